// SPDX-License-Identifier: MIT
// Boost.Beast with permessage-deflate. usage: beast server PORT RECORD | beast client PORT PATH
// STEPS RECORD
#include "peer.hpp"

#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <thread>
#include <unistd.h>

namespace beast = boost::beast;
namespace ws = beast::websocket;
namespace net = boost::asio;
using net::ip::tcp;
using stream = ws::stream<tcp::socket>;

static void prepare(stream &s, const std::string &conn)
{
    ws::permessage_deflate deflate;
    deflate.server_enable = deflate.client_enable = true;
    s.set_option(deflate);
    s.control_callback([&s, conn](ws::frame_type kind, beast::string_view data) {
        std::string payload(data.data(), data.size());
        if (kind == ws::frame_type::ping) {
            record(conn, "recv", 9, payload);
            record(conn, "sent", 10, payload);
        } else if (kind == ws::frame_type::pong) {
            record(conn, "recv", 10, payload);
        } else {
            std::string reason(s.reason().reason.data(), s.reason().reason.size());
            record(conn, "recv", 8, close_payload(s.reason().code, reason));
        }
    });
}

static void send(stream &s, const std::string &conn, int opcode,
                 const std::vector<std::string> &parts)
{
    std::string whole;
    for (auto &part : parts) whole += part;
    record(conn, "sent", opcode, whole);
    s.binary(opcode == 2);
    for (size_t i = 0; i < parts.size(); i++)
        s.write_some(i + 1 == parts.size(), net::buffer(parts[i]));
}

static std::string receive(stream &s, const std::string &conn)
{
    beast::flat_buffer buffer;
    s.read(buffer);
    std::string message = beast::buffers_to_string(buffer.data());
    record(conn, "recv", s.got_text() ? 1 : 2, message);
    return message;
}

static void say_goodbye(stream &s, const std::string &conn, int code, const std::string &reason)
{
    record(conn, "sent", 8, close_payload(code, reason));
    s.close(code ? ws::close_reason((ws::close_code)code, reason) : ws::close_reason());
}

static void serve(tcp::socket socket)
{
    try {
        beast::flat_buffer buffer;
        beast::http::request<beast::http::string_body> request;
        beast::http::read(socket, buffer, request);
        std::string conn(request.target());
        stream s(std::move(socket));
        prepare(s, conn);
        s.accept(request);
        for (;;) {
            std::string message = receive(s, conn);
            if (message == "!close") return say_goodbye(s, conn, 4001, "server bye");
            send(s, conn, s.got_text() ? 1 : 2, {message});
        }
    } catch (std::exception &) { // the peer closed, or left
    }
}

static void play(tcp::socket socket, const std::string &path, const char *steps)
{
    stream s(std::move(socket));
    prepare(s, path);
    s.handshake("127.0.0.1", path);
    for (auto &step : read_steps(steps)) {
        if (step.kind == 'T' || step.kind == 'B') {
            send(s, path, step.kind == 'T' ? 1 : 2, step.parts);
            if (step.parts[0] != "!close") receive(s, path);
        } else if (step.kind == 'P') {
            record(path, "sent", 9, step.parts[0]);
            s.ping(ws::ping_data(step.parts[0].c_str()));
        } else if (step.kind == 'C') {
            say_goodbye(s, path, step.code(), step.reason());
        } else if (step.kind == 'L') {
            _exit(0);
        } else {
            receive(s, path);
        }
    }
}

int main(int argc, char **argv)
{
    net::io_context io;
    tcp::endpoint here(net::ip::make_address("127.0.0.1"), (unsigned short)atoi(argv[2]));
    record_file = fopen(argv[argc - 1], "a");
    if (argv[1] == std::string("client")) {
        tcp::socket socket(io);
        socket.connect(here);
        try {
            play(std::move(socket), argv[3], argv[4]);
        } catch (std::exception &) { // the server closed
        }
        return 0;
    }
    tcp::acceptor acceptor(io, here);
    puts("ready");
    fflush(stdout);
    for (;;) std::thread(serve, acceptor.accept()).detach();
}
