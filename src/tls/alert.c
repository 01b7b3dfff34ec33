/* SPDX-License-Identifier: MIT
 *
 * In: alerts, in clear or opened, and the records of a connection that nobody will open. Out: who
 * ended TLS, and why (RFC 8446 section 6). Refuses to ask for a key where a handshake failed.
 *
 *     ├ level 1 ┼ description 1 ┤      warning 1, fatal 2; since TLS 1.3 the level says nothing
 */
#include <stdio.h>

#include "codes.h"
#include "dir.h"
#include "session.h"

enum { CHANGE_CIPHER = 20, ALERT = 21, APPLICATION = 23 };
enum { CLOSE_NOTIFY = 0, USER_CANCELED = 90, NO_RENEGOTIATION = 100 };
enum { FATAL = 2, SIZE = 2 };

static const struct wst_code rows[] = {
#define WST_TLS_ALERT(value, name, words) {value, name, words},
#include "alerts.def"
#undef WST_TLS_ALERT
};

void wst_tls_alert_put(char *to, size_t room, enum wst_dir dir, bool handshake, uint8_t alert)
{
    const struct wst_code *row = wst_code_find(rows, sizeof rows / sizeof *rows, alert);
    snprintf(to, room, "the %s ended the %s with alert %u%s%s%s%s", wst_dir_sender(dir),
             handshake ? "handshake" : "connection", alert, row ? " " : "", row ? row->name : "",
             row && row->words ? ": " : "", row && row->words ? row->words : "");
}

/* Whether it ends the connection for a reason. */
static bool ends(const struct wst_tls *t, const uint8_t alert[SIZE])
{
    if (alert[1] == CLOSE_NOTIFY || alert[1] == USER_CANCELED || alert[1] == NO_RENEGOTIATION)
        return false;
    return alert[0] == FATAL || t->version == WST_TLS_1_3;
}

/* It has sent what the handshake's keys do not open. */
static bool through(const struct wst_tls_side *side)
{
    return side->now && side->now->application;
}

/* Both have to be through. Of the other side no record may be in the capture; and in TLS 1.3 the
 * client is the last one, whatever the server has to say. */
static bool in_handshake(const struct wst_tls_step *s)
{
    const struct wst_tls *t = s->tls;
    const struct wst_tls_side *other = &t->side[!s->dir];
    if (!through(&t->side[s->dir])) return true;
    bool last = t->version == WST_TLS_1_3 && s->dir == WST_C2S;
    return !through(other) && !last && !t->midst && !other->holed;
}

/* Servers with OpenSSL 3 call the end of TCP that no close_notify announced a decode_error: the
 * alert is told by who did not end anything first. */
static void put_left(char *to, size_t room, const struct wst_tls_step *s)
{
    const struct wst_tls_side *other = &s->tls->side[!s->dir];
    if (!other->finished) return;
    snprintf(to, room, "; the %s had ended TCP before%s", wst_dir_sender(!s->dir),
             wst_tls_side_read(other) && !other->notified ? ", without close_notify" : "");
}

void wst_tls_alert(const struct wst_tls_step *s, struct wst_slice alert)
{
    struct wst_tls *t = s->tls;
    char why[192];
    if (alert.n != SIZE) return;
    if (alert.p[1] == CLOSE_NOTIFY) t->side[s->dir].notified = true;
    if (!ends(t, alert.p)) return;
    bool before = in_handshake(s);
    wst_tls_alert_put(why, sizeof why, s->dir, before, alert.p[1]);
    put_left(why + strlen(why), sizeof why - strlen(why), s);
    wst_tls_ended(s, WST_PROBLEM_TLS_ALERT, why, before);
}

/* Behind the ServerHello of TLS 1.3 the client sends a Finished message, of 36 bytes or more, or it
 * refuses: a record of two bytes, the type of the content and a tag can only be an alert. */
static bool refuses(const struct wst_tls *t, size_t body)
{
    return body == SIZE + 1 + (t->suite ? (size_t)wst_tls_cipher_row(t->suite)->tag : 16);
}

bool wst_tls_refused(const struct wst_tls_step *s, const struct wst_tls_record *r)
{
    const struct wst_tls *t = s->tls;
    bool sealed = t->version == WST_TLS_1_3 && s->dir == WST_C2S && r->head[0] == APPLICATION;
    if (r->head[0] == ALERT && r->body.n == SIZE)
        wst_tls_alert(s, r->body);
    else if (sealed && refuses(t, r->body.n))
        wst_tls_ended(s, WST_PROBLEM_TLS_ALERT,
                      "the client ended the handshake with an alert behind the server's hello; "
                      "most often it does not accept the certificate; what it says needs a key",
                      true);
    else
        return false;
    return true;
}

/* A client that was not asked for a certificate answers with Finished alone (RFC 8446 section 4.4):
 * a head of four bytes and a hash, with the type of the content and a tag. */
static bool is_finished(const struct wst_tls *t, size_t body)
{
    enum { HEAD = 4, SHA256 = 32, SHA384 = 48 };
    size_t hash = t->suite && t->suite->hash == WST_TLS_SHA384 ? SHA384 : SHA256;
    return !t->suite || body == HEAD + hash + 1 + wst_tls_cipher_row(t->suite)->tag;
}

/* TLS 1.3, behind the hellos: false: the handshake is through, and nothing more to be learnt. */
static bool goes_on(const struct wst_tls_step *s, const struct wst_tls_record *r)
{
    struct wst_tls *t = s->tls;
    if (r->head[0] != APPLICATION) return true;
    if (s->dir == WST_C2S) {
        bool first = !t->certified;
        t->certified = true;
        return !first || !is_finished(t, r->body.n);
    }
    if (!t->certified) return true;
    bool small = refuses(t, r->body.n) && !t->dismissed;
    t->dismissed = small;
    return small;
}

void wst_tls_watch(const struct wst_tls_step *s, const struct wst_tls_record *r)
{
    struct wst_tls *t = s->tls;
    bool new = t->version == WST_TLS_1_3;
    bool through = !new && s->dir == WST_S2C && r->head[0] == CHANGE_CIPHER;
    if (!t->certified && wst_tls_refused(s, r)) return;
    if (through || (new && !goes_on(s, r))) wst_tls_seal(s, WST_PROBLEM_TLS_NO_KEY, "no key");
}

void wst_tls_unwatched(const struct wst_tls_step *s)
{
    struct wst_tls_step server = *s;
    server.dir = WST_S2C;
    if (s->tls->dismissed && !s->tls->side[WST_S2C].record.n)
        wst_tls_ended(&server, WST_PROBLEM_TLS_ALERT,
                      "the server seems to have asked for a certificate, and all that it said "
                      "to the client's answer is a record as small as an alert: it may not have "
                      "accepted that; "
                      "what it says needs a key",
                      true);
    else
        wst_tls_seal(s, WST_PROBLEM_TLS_NO_KEY, "no key");
}
