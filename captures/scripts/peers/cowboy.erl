%% SPDX-License-Identifier: MIT
%% An echo with Cowboy. usage: escript cowboy.erl PORT CODE...; prints why each connection ended.
-module(cowboy_echo).
-export([main/1, init/2, websocket_handle/2, websocket_info/2, terminate/3]).
-mode(compile).

main([Port | Code]) ->
    [code:add_patha(Folder) || Folder <- Code],
    {ok, _} = application:ensure_all_started(cowboy),
    Routes = cowboy_router:compile([{'_', [{"/echo", ?MODULE, []}]}]),
    {ok, _} = cowboy:start_clear(echo, [{ip, {127, 0, 0, 1}}, {port, list_to_integer(Port)}], #{env => #{dispatch => Routes}}),
    timer:sleep(infinity).

init(Request, _) ->
    {_, Client} = cowboy_req:peer(Request),
    {cowboy_websocket, Request, Client, #{compress => true}}.

websocket_handle({Kind, Data}, State) when Kind =:= text; Kind =:= binary ->
    {[{Kind, Data}], State};
websocket_handle(_, State) ->
    {[], State}.

websocket_info(_, State) ->
    {[], State}.

terminate(Reason, _, Client) when is_integer(Client) ->
    io:format("~b ~0p~n", [Client, Reason]);
terminate(_, _, _) ->
    ok.
