/* SPDX-License-Identifier: MIT
 *
 * In: a direction that is over. Out: what of it was sealed and not read: a loss of at most so many
 * bytes, and the finding that says why. Refuses to call lost what nobody would have read:
 * handshakes of connections of which nothing was opened.
 */
#include <stdio.h>

#include "dir.h"
#include "session.h"

enum { HEAD = 5 };

/* A record that is not whole will not be: how many bytes of it, at most. */
static uint64_t abandon(struct wst_tls_side *side)
{
    uint64_t n = side->skip_record ? HEAD + (uint64_t)side->skip_body : side->record.n;
    side->record.n = 0;
    side->skip_record = 0;
    side->unread += n;
    return n;
}

static void tell_end(const struct wst_tls_step *s, enum wst_problem problem, const char *detail)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    if (side->told || s->tls->noted) return;
    side->told = true;
    s->env->problem(s->env->user, s->tls->conversation, problem, s->dir, false, detail, s->arrival);
}

/* Of a direction nothing was opened, though the other one was: `unread` bytes. */
static void tell_never(const struct wst_tls_step *s, bool keyless, uint64_t unread)
{
    char detail[96];
    const char *who = wst_dir_sender(s->dir);
    if (keyless)
        snprintf(detail, sizeof detail, "no %s_TRAFFIC_SECRET_0: what the %s sent was not read",
                 s->dir == WST_C2S ? "CLIENT" : "SERVER", who);
    else
        snprintf(detail, sizeof detail, "none of the %llu bytes that the %s sealed opened",
                 (unsigned long long)unread, who);
    tell_end(s, keyless ? WST_PROBLEM_TLS_NO_KEY : WST_PROBLEM_TLS_WRONG_KEY, detail);
}

static void tell_rest(const struct wst_tls_step *s, bool begun)
{
    unsigned long long unread = wst_tls_side_of(s)->unread;
    char detail[96];
    if (begun) /* a reset cut it, or the capture stops there */
        snprintf(detail, sizeof detail, "the last record has no end: %llu byte%s of it %s not read",
                 unread, unread == 1 ? "" : "s", unread == 1 ? "was" : "were");
    else
        snprintf(detail, sizeof detail, "no record opened again in the %llu byte%s that follow%s",
                 unread, unread == 1 ? "" : "s", unread == 1 ? "s" : "");
    tell_end(s, WST_PROBLEM_TLS_LOST, detail);
}

/* Something was read of the connection, and this may have been worth it, too. Bytes that did not
 * open are those of the handshake, when the other side has said nothing that needs an answer. */
static bool worth_telling(const struct wst_tls_step *s)
{
    const struct wst_tls_side *side = wst_tls_side_of(s), *other = &s->tls->side[!s->dir];
    if (s->tls->state == WST_TLS_SEALED || side->dead) return side->opened || other->opened;
    return side->holed || side->unframed || (side->now && side->now->application) ||
           (other->now && other->now->application);
}

void wst_tls_lost_at_end(const struct wst_tls_step *s)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    uint64_t begun = abandon(side), unread = side->unread;
    if (!worth_telling(s)) return;
    bool never = side->keyless || (!side->holed && !side->unframed && !side->dead &&
                                   !(side->now && side->now->application));
    if (unread && !never) tell_rest(s, begun == unread && !side->searching);
    side->unread = 0;
    if (unread) s->env->lost(s->env->user, s->tls->conversation, s->dir, unread, false, s->arrival);
    /* Behind the loss, which may show what kind of connection it is. */
    if (never && (unread || side->keyless)) tell_never(s, side->keyless, unread);
}
