/* SPDX-License-Identifier: MIT
 *
 * In: the records of a handshake in the order in which they were read, and who ended the connection
 * below. Out: that one left before the handshake was through, behind which message, where no alert
 * says why (RFC 8446 section 6.2 asks for one, and many clients that do not accept a certificate
 * just close). Refuses to call a handshake unfinished where something is missing, or sealed records
 * may have finished it; and to blame anybody.
 */
#include <stdio.h>
#include <string.h>

#include "codes.h"
#include "dir.h"
#include "session.h"

enum { CHANGE_CIPHER = 20, HANDSHAKE = 22, APPLICATION = 23 };
enum { HEAD = 4 }; /* of a message */
/* Behind the types of messages in wst_tls_side.said. */
enum { CERTIFICATE = 11, SAID_CHANGE = 0x100, SAID_SEALED, SAID_UNKNOWN };

static const struct wst_code rows[] = {
    {WST_TLS_HELLO_REQUEST, "HelloRequest", NULL},
    {WST_TLS_CLIENT_HELLO, "ClientHello", NULL},
    {WST_TLS_SERVER_HELLO, "ServerHello", NULL},
    {WST_TLS_NEW_TICKET, "NewSessionTicket", NULL},
    {CERTIFICATE, "Certificate", NULL},
    {12, "ServerKeyExchange", NULL},
    {13, "CertificateRequest", NULL},
    {14, "ServerHelloDone", NULL},
    {15, "CertificateVerify", NULL},
    {WST_TLS_CLIENT_KEY_EXCHANGE, "ClientKeyExchange", NULL},
    {22, "CertificateStatus", NULL},
    {SAID_CHANGE, "change_cipher_spec", NULL},
};

static void said(const struct wst_tls_step *s, uint16_t what)
{
    wst_tls_side_of(s)->said = what;
    s->tls->said_last = (uint8_t)s->dir;
}

/* The messages that begin in a record in clear. A head in two records is not put together. */
static void said_messages(const struct wst_tls_step *s, struct wst_slice body)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    while (body.n) {
        size_t n = body.n < side->said_left ? body.n : side->said_left;
        side->said_left -= (uint32_t)n;
        body = wst_slice_skip(body, n);
        if (!body.n) return;
        said(s, body.n < HEAD ? SAID_UNKNOWN : body.p[0]);
        if (body.n < HEAD) return;
        s->tls->said_certificate |= body.p[0] == CERTIFICATE;
        side->said_left = wst_be32(body.p) & 0xffffff;
        body = wst_slice_skip(body, HEAD);
    }
}

void wst_tls_said(const struct wst_tls_step *s, const struct wst_tls_record *r)
{
    const struct wst_tls_side *side = wst_tls_side_of(s);
    if (side->said >= SAID_CHANGE) return;
    if (r->head[0] == HANDSHAKE)
        said_messages(s, r->body);
    else if (r->head[0] == APPLICATION)
        said(s, SAID_SEALED);
    else if (r->head[0] == CHANGE_CIPHER && s->tls->have_server && s->tls->version != WST_TLS_1_3)
        said(s, SAID_CHANGE); /* in TLS 1.3 it means nothing */
}

/* Of what it said since, something was not read, or more than the handshake. */
static bool unclear(const struct wst_tls_side *side)
{
    bool more = side->dead && side->unread > sizeof "\x14\3\3\0\1\1" - 1;
    return more || side->holed || side->unframed || side->said == SAID_UNKNOWN ||
           (side->now && side->now->application);
}

/* It was not through, and all that was said is known. */
static bool unfinished(const struct wst_tls *t)
{
    const struct wst_tls_side *c = &t->side[WST_C2S], *s = &t->side[WST_S2C];
    if (t->midst || t->early != WST_TLS_EARLY_NONE || unclear(c) || unclear(s) ||
        !(t->have_client || t->retried))
        return false;
    if (t->have_server && t->version != WST_TLS_1_3)
        return c->said < SAID_CHANGE || s->said < SAID_CHANGE;
    return c->said == WST_TLS_CLIENT_HELLO && (t->have_server || t->retried || !s->said);
}

static void put_behind(char *to, size_t room, const struct wst_tls *t)
{
    const enum wst_dir last = t->said_last ? WST_S2C : WST_C2S;
    const uint16_t what = t->side[last].said;
    const struct wst_code *row = wst_code_find(rows, sizeof rows / sizeof *rows, what);
    const char *name = what == SAID_SEALED ? "ServerHello and what it sealed"
                       : t->retried && !t->have_server && last == WST_S2C ? "HelloRetryRequest"
                       : row                                              ? row->name
                                                                          : "last message";
    snprintf(to, room, "the %s's %s", wst_dir_sender(last), name);
}

bool wst_tls_left(const struct wst_tls_step *s, bool reset)
{
    struct wst_tls *t = s->tls;
    char why[256], behind[64];
    if (t->state == WST_TLS_SEALED || t->ended || t->noted || !unfinished(t)) return false;
    bool shown = t->said_certificate || (t->have_server && t->version == WST_TLS_1_3);
    put_behind(behind, sizeof behind, t);
    snprintf(why, sizeof why,
             "the %s %s the connection during the handshake, behind %s, and no alert says why%s",
             wst_dir_sender(s->dir), reset ? "reset" : "closed", behind,
             s->dir == WST_C2S && shown && t->side[WST_C2S].said == WST_TLS_CLIENT_HELLO
                 ? ": it may not accept the certificate, or have changed its mind"
                 : "");
    wst_tls_ended(s, WST_PROBLEM_TLS_UNFINISHED, why, true);
    return true;
}
