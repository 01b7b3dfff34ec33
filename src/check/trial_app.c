/* SPDX-License-Identifier: MIT
 *
 * In: a message, and a test of what it says in its application's protocol. Out: whether it holds.
 * Refuses nothing: a message of no known protocol says nothing in one.
 *
 * The test is of the object that `wstrace --json --apps` prints, so that what is seen there is what
 * can be asked for here.
 */
#include "app_json.h"
#include "trial.h"

#include <stdlib.h>
#include <string.h>

static int to_ink(void *user, const uint8_t *p, size_t n)
{
    struct wst_ink *ink = user;

    wst_ink_bytes(ink, wst_slice_of(p, n));
    return ink->failed ? -1 : 0;
}

static void read_said(struct wst_trial *t, struct wst_trial_said *m)
{
    const struct wst_app_said *said = m->event->message.app;

    m->app_read = true;
    t->said_tape.n = 0;
    t->said.buf.n = 0;
    if (said == NULL) return;
    if (t->said_out == NULL) t->said_out = malloc(sizeof *t->said_out);
    if (t->said_out == NULL) {
        t->failed = true;
        return;
    }
    wst_out_init(t->said_out, to_ink, &t->said);
    wst_app_json_said(t->said_out, said, m->event->nanos);
    wst_out_flush(t->said_out);
    if (t->said.failed) t->failed = true;
    m->app_too_much = said->omitted || said->unread;
    if (wst_tape_read(&t->said_tape, &t->budget, wst_ink_slice(&t->said))) return;
    t->said_tape.n = 0; /* what is carried nests too deep, or has too many values */
    m->app_too_much = true;
}

bool wst_trial_app(struct wst_trial *t, const struct wst_test *test, struct wst_trial_said *m)
{
    if (!m->app_read) read_said(t, m);
    return wst_trial_json(t, test, &t->said_tape, wst_ink_slice(&t->said));
}

/* Packets are left out from the end, and what one carries is cut there, or all of it is left out.
 */
bool wst_trial_app_stays(const struct wst_test *test)
{
    for (uint32_t i = 0; i < test->path.n; i++)
        if (test->path.steps[i].index < 0) return false;
    if (test->compare == WST_MATCHES) return strchr(test->pattern.text, '$') == NULL;
    if (test->compare == WST_EQUAL) return !test->string || test->value_n > 0;
    return test->compare != WST_UNEQUAL;
}
