/* SPDX-License-Identifier: MIT
 *
 * What a session keeps has a bound, however many connections there are, and it says that it is met.
 */
#include "session.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MEMORY = 1 << 20 };

/* Connections that begin, say something, and end; how many bytes of the session they take. */
static size_t record(struct wst_session *s, uint64_t connections)
{
    struct wst_listener to = wst_session_listener(s);
    size_t most = 0;

    for (uint64_t i = 1; i <= connections; i++) {
        struct wst_event e = {.type = WST_EVENT_HANDSHAKE, .dir = WST_DIR_NONE, .conn = i};
        e.handshake.accepted = true;
        to.event(to.user, &e);
        e = (struct wst_event){.type = WST_EVENT_MESSAGE, .dir = WST_C2S, .conn = i};
        e.message.payload = wst_slice_text("still here?");
        e.message.len = e.message.payload.n;
        e.message.utf8 = e.message.certain = true;
        to.event(to.user, &e);
        e = (struct wst_event){.type = WST_EVENT_END, .dir = WST_DIR_NONE, .conn = i};
        to.event(to.user, &e);
        if (s->budget.used > most) most = s->budget.used;
    }
    return most;
}

static void bound(void **state)
{
    struct wst_check_settings *settings = wst_check_settings_new();
    struct wst_session *s = wst_session_new(settings, MEMORY);

    (void)state;
    assert_non_null(s);
    assert_in_range(record(s, 100), 1, MEMORY);
    assert_null(wst_session_seal(s));
    wst_session_free(s);

    s = wst_session_new(settings, MEMORY);
    assert_non_null(s);
    assert_in_range(record(s, 100000), MEMORY / 4, MEMORY);
    assert_string_equal(wst_session_seal(s), "the conversation needs more memory than it may have");
    wst_session_free(s);
    wst_check_settings_free(settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
