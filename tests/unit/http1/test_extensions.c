/* SPDX-License-Identifier: MIT
 *
 * Extension lists (RFC 6455 section 9.1) and what RFC 7692 section 7.1 allows in an answer.
 */
#include <stdio.h>

#include "guard.h"
#include "http1.h"

struct list_row {
    const char *list;
    const char *text; /* "name(param)(param=value) name"; a final ! where it is malformed */
};

static const struct list_row list_rows[] = {
    {"", ""},
    {"  \t", ""},
    {"foo", "foo"},
    {"foo, bar", "foo bar"},
    {"foo,bar", "foo bar"},
    {" foo \t,\tbar ", "foo bar"},
    /* empty elements of a list are to be ignored (RFC 9110 section 5.6.1) */
    {",foo", "foo"},
    {"foo,,bar,", "foo bar"},
    {" , ,foo", "foo"},
    {",", ""},
    {"foo; bar", "foo(bar)"},
    {"foo;bar;baz=2", "foo(bar)(baz=2)"},
    {"foo; bar = 2 ; baz", "foo(bar=2)(baz)"},
    {"foo;bar=\"2\"", "foo(bar=2)"},
    {"foo;bar=\"a,b\", baz", "foo! baz"}, /* a comma is no token, but the list goes on after it */
    {"permessage-deflate; client_max_window_bits, permessage-deflate",
     "permessage-deflate(client_max_window_bits) permessage-deflate"},
    {"mux; max-channels=4; flow-control, deflate-stream",
     "mux(max-channels=4)(flow-control) deflate-stream"},
    {"private-extension;a=\"1\";b", "private-extension(a=1)(b)"},
    {"a!#$%&'*+-.^_`|~0Z", "a!#$%&'*+-.^_`|~0Z"},
    /* malformed names */
    {"foo bar", "!"},
    {"foo=1", "!"},
    {";foo", "!"},
    {"=", "!"},
    {"\"foo\"", "!"},
    {"foo/bar", "!"},
    {"f\x80o", "!"},
    {"foo, b(r", "foo!"},
    {"foo, ;", "foo!"},
    /* malformed parameters: told by the parameters, the list goes on */
    {"foo;", "foo!"},
    {"foo;, bar", "foo! bar"},
    {"foo;;bar", "foo!"},
    {"foo;bar;", "foo(bar)!"},
    {"foo;=1", "foo!"},
    {"foo;bar=", "foo!"},
    {"foo;bar=;baz", "foo!"},
    {"foo;bar==1", "foo!"},
    {"foo;bar=1 2", "foo(bar=1)!"},
    {"foo;bar=1=2", "foo(bar=1)!"},
    {"foo;bar baz", "foo(bar)!"},
    {"foo;bar=\"\"", "foo!"},
    {"foo;bar=\"1", "foo!"},
    {"foo;bar=\"", "foo!"},
    {"foo;bar=\"1\"2", "foo(bar=1)!"},
    {"foo;bar=1\"2\"", "foo(bar=1)!"},
    {"foo;bar=\"1 2\"", "foo!"},
    {"foo;bar=\"a;b\"", "foo!"},
    {"foo;bar=\"\\1\"", "foo(bar=\\1)"}, /* a token once the backslash is taken away */
    {"foo;bar=\"1\\\"\"", "foo!"},
    {"foo;bar=\"1\\", "foo!"},
    {"foo;bar=(1)", "foo!"},
    {"foo;\"bar\"", "foo!"},
};

static char *put_name(char *to, const char *before, struct wst_slice s)
{
    return to + sprintf(to, "%s%.*s", before, (int)s.n, (const char *)s.p);
}

static void list_text(struct wst_slice list, char *to)
{
    struct wst_extension x;
    struct wst_slice name, value;
    const char *between = "";
    int is, param;
    *to = '\0';
    while ((is = wst_extension_next(&list, &x)) > 0) {
        to = put_name(to, between, x.name);
        between = " ";
        while ((param = wst_extension_param(&x.params, &name, &value)) > 0) {
            to = put_name(to, "(", name);
            if (value.p) to = put_name(to, "=", value);
            to += sprintf(to, ")");
        }
        if (param < 0) to += sprintf(to, "!");
    }
    if (is < 0) sprintf(to, "!");
}

static void lists(void **state)
{
    struct guard g;
    (void)state;
    guard_init(&g, 4096);
    for (size_t i = 0; i < ARRAY(list_rows); i++) {
        const struct list_row *r = &list_rows[i];
        char text[512];
        list_text(guard_put(&g, r->list, strlen(r->list)), text);
        if (strcmp(text, r->text) != 0) fail_msg("\"%s\": %s, not %s", r->list, text, r->text);
        /* Cut anywhere: nothing is read beyond the end, and it comes to an end. */
        for (size_t n = 0; n < strlen(r->list); n++) list_text(guard_put(&g, r->list, n), text);
    }
    guard_free(&g);
}

/* -- permessage-deflate -- */

struct term_row {
    const char *params;
    const char *wrong;            /* a part of what is said; NULL: sound */
    int server_anew, client_anew; /* no context takeover */
    int server_bits, client_bits; /* window */
};

static const struct term_row term_rows[] = {
    {"", NULL, 0, 0, 15, 15},
    {"; server_no_context_takeover", NULL, 1, 0, 15, 15},
    {"; client_no_context_takeover", NULL, 0, 1, 15, 15},
    {";server_no_context_takeover;client_no_context_takeover", NULL, 1, 1, 15, 15},
    {"; SERVER_NO_CONTEXT_TAKEOVER", NULL, 1, 0, 15, 15},
    {"; server_max_window_bits=8", NULL, 0, 0, 8, 15},
    {"; server_max_window_bits=9", NULL, 0, 0, 9, 15},
    {"; server_max_window_bits=10", NULL, 0, 0, 10, 15},
    {"; server_max_window_bits=15", NULL, 0, 0, 15, 15},
    {"; client_max_window_bits=8", NULL, 0, 0, 15, 8},
    {"; client_max_window_bits=12", NULL, 0, 0, 15, 12},
    {"; client_max_window_bits=\"14\"", NULL, 0, 0, 15, 14},
    {"; client_max_window_bits=11; server_max_window_bits=13; server_no_context_takeover", NULL, 1,
     0, 13, 11},
    /* section 7.1.1: the two without a value */
    {"; server_no_context_takeover=1", "server_no_context_takeover has a value", 1, 0, 15, 15},
    {"; client_no_context_takeover=x", "client_no_context_takeover has a value", 0, 1, 15, 15},
    /* section 7.1.2: 8 to 15, no leading zeros, and not without one in an answer */
    {"; server_max_window_bits", "not 8 to 15", 0, 0, 15, 15},
    {"; client_max_window_bits", "not 8 to 15", 0, 0, 15, 15},
    {"; server_max_window_bits=7", "not 8 to 15", 0, 0, 15, 15},
    {"; server_max_window_bits=16", "not 8 to 15", 0, 0, 15, 15},
    {"; server_max_window_bits=08", "not 8 to 15", 0, 0, 15, 15},
    {"; server_max_window_bits=010", "not 8 to 15", 0, 0, 15, 15},
    {"; server_max_window_bits=1", "not 8 to 15", 0, 0, 15, 15},
    {"; server_max_window_bits=1x", "not 8 to 15", 0, 0, 15, 15},
    {"; server_max_window_bits=+9", "not 8 to 15", 0, 0, 15, 15},
    {"; client_max_window_bits=99999999999999999999", "not 8 to 15", 0, 0, 15, 15},
    {"; client_max_window_bits=-1", "not 8 to 15", 0, 0, 15, 15},
    /* unknown, twice, malformed */
    {"; unknown", "does not know", 0, 0, 15, 15},
    {"; unknown=1; server_max_window_bits=9", "does not know", 0, 0, 9, 15},
    {"; server_max_window_bits=9; server_max_window_bits=9", "twice", 0, 0, 9, 15},
    {"; server_no_context_takeover; server_no_context_takeover", "twice", 1, 0, 15, 15},
    {"; client_no_context_takeover; client_no_context_takeover", "twice", 0, 1, 15, 15},
    {"; client_max_window_bits=9; client_max_window_bits=10", "twice", 0, 0, 15, 10},
    {"; server_max_window_bits=9; =", "malformed", 0, 0, 9, 15},
    {";", "malformed", 0, 0, 15, 15},
};

static void terms(void **state)
{
    struct guard g;
    (void)state;
    guard_init(&g, 4096);
    for (size_t i = 0; i < ARRAY(term_rows); i++) {
        const struct term_row *r = &term_rows[i];
        struct wst_deflate_terms t;
        const char *wrong = wst_extension_deflate(guard_put(&g, r->params, strlen(r->params)), &t);
        if ((wrong == NULL) != (r->wrong == NULL) || (wrong && !strstr(wrong, r->wrong)))
            fail_msg("\"%s\": %s", r->params, wrong ? wrong : "sound");
        if (!t.agreed || t.server_no_context_takeover != r->server_anew ||
            t.client_no_context_takeover != r->client_anew ||
            t.server_max_window_bits != r->server_bits ||
            t.client_max_window_bits != r->client_bits)
            fail_msg("\"%s\": %d %d %d %d", r->params, t.server_no_context_takeover,
                     t.client_no_context_takeover, t.server_max_window_bits,
                     t.client_max_window_bits);
    }
    guard_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lists), cmocka_unit_test(terms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
