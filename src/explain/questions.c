/* SPDX-License-Identifier: MIT
 *
 * In: a sample of a capture, and a source of chance. Out: one question of a kind, its answer, what
 * else is right, and why. Refuses to ask where the capture breaks the rule that is asked about.
 */
#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "questions.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static void say(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(char *to, size_t size, const char *format, ...)
{
    va_list args;
    size_t n = strlen(to);
    va_start(args, format);
    vsnprintf(to + n, size - n, format, args);
    va_end(args);
}
#define ASK(d, ...) say((d)->text, sizeof(d)->text, __VA_ARGS__)
#define ANSWER(d, ...) say((d)->answer, sizeof(d)->answer, __VA_ARGS__)
#define ACCEPT(d, ...) say((d)->accepted, sizeof(d)->accepted, __VA_ARGS__)
#define WHY(d, ...) say((d)->explanation, sizeof(d)->explanation, __VA_ARGS__)

static void see_frame(struct wst_quiz_drawn *d, const struct wst_quiz_frame *f)
{
    snprintf(d->question.see, sizeof d->question.see, "%" PRIu64 ".%" PRIu64, f->conn, f->n);
}

static const struct wst_quiz_frame *any_frame(struct wst_quiz *q)
{
    uint64_t n = q->seen < QUIZ_FRAMES ? q->seen : QUIZ_FRAMES;
    return n ? &q->frames[wst_quiz_below(q, n)] : NULL;
}

static void yes_no(struct wst_quiz_drawn *d, bool yes)
{
    ANSWER(d, yes ? "yes" : "no");
    ACCEPT(d, yes ? "y\n" : "n\n");
}

static const char *bits_of(uint8_t byte, char to[10])
{
    for (int i = 0, at = 0; i < 8; i++) {
        if (i == 4) to[at++] = ' ';
        to[at++] = byte >> (7 - i) & 1 ? '1' : '0';
    }
    to[9] = '\0';
    return to;
}

static bool ask_opcode(struct wst_quiz *q, struct wst_quiz_drawn *d)
{
    const struct wst_quiz_frame *f = any_frame(q);
    char bits[10];
    if (!f) return false;
    uint8_t b = f->header.bytes[0];
    d->question.topic = "opcodes";
    ASK(d, "The first byte of a frame is %02x. Which opcode does it have (name or number)?\n", b);
    ANSWER(d, "%s", wst_opcode_name(b & 15));
    ACCEPT(d, "%d\n0x%x\n", b & 15, b & 15);
    WHY(d,
        "%02x is %s. The lower four bits are the opcode: %d, %s. The upper four are FIN and RSV1 "
        "to "
        "RSV3.",
        b, bits_of(b, bits), b & 15, wst_opcode_name(b & 15));
    see_frame(d, f);
    return true;
}

static bool ask_fin(struct wst_quiz *q, struct wst_quiz_drawn *d)
{
    const struct wst_quiz_frame *f = any_frame(q);
    char bits[10];
    if (!f || f->header.opcode > 2) return false;
    uint8_t b = f->header.bytes[0];
    d->question.topic = "fragments";
    ASK(d, "The first byte of a frame is %02x. Is it the last frame of its message?\n", b);
    yes_no(d, f->header.fin);
    WHY(d, "%02x is %s. The first bit is FIN: %d means that %s.", b, bits_of(b, bits),
        f->header.fin,
        f->header.fin ? "nothing of the message follows" : "more of the message follows");
    see_frame(d, f);
    return true;
}

static bool ask_length(struct wst_quiz *q, struct wst_quiz_drawn *d)
{
    const struct wst_quiz_frame *f = any_frame(q);
    for (int i = 0; f && !f->header.extended && i < 4; i++)
        f = any_frame(q); /* rather a long one */
    if (!f) return false;
    const struct wst_header_bits *h = &f->header;
    d->question.topic = "lengths";
    ASK(d, "A frame begins with the bytes");
    for (unsigned i = 0; i < h->need; i++) ASK(d, " %02x", h->bytes[i]);
    ASK(d, "\nHow many bytes does its payload have?\n");
    ANSWER(d, "%" PRIu64, h->len);
    ACCEPT(d, "0x%" PRIx64 "\n", h->len);
    if (h->extended)
        WHY(d,
            "The second byte is %02x; without its highest bit, MASK, it is %u, which says that the "
            "next %u bits are the length: %0*" PRIx64 ", %" PRIu64 ".",
            h->bytes[1], h->len7, h->extended, (int)h->extended / 4, h->len, h->len);
    else
        WHY(d,
            "The second byte is %02x. Without its highest bit, MASK, it is %02x: %u. Up to 125 it "
            "is the length itself.",
            h->bytes[1], h->len7, h->len7);
    see_frame(d, f);
    return true;
}

static bool ask_header(struct wst_quiz *q, struct wst_quiz_drawn *d)
{
    const struct wst_quiz_frame *f = any_frame(q);
    if (!f) return false;
    const struct wst_header_bits *h = &f->header;
    d->question.topic = "headers";
    ASK(d, "A frame begins with the bytes %02x %02x. How many bytes does its header have?\n",
        h->bytes[0], h->bytes[1]);
    ANSWER(d, "%u", h->need);
    WHY(d,
        "Two bytes always; %u for the length, as %u stands in the lower seven bits of the second "
        "byte; %u for the masking key, as MASK is %d: %u.",
        h->extended / 8, h->len7, h->masked ? 4 : 0, h->masked, h->need);
    see_frame(d, f);
    return true;
}

static bool ask_unmask(struct wst_quiz *q, struct wst_quiz_drawn *d)
{
    const struct wst_quiz_frame *f = any_frame(q);
    for (int i = 0; f && (!f->header.masked || f->payload_n < 4) && i < 8; i++) f = any_frame(q);
    if (!f || !f->header.masked || f->payload_n < 4) return false;
    const uint8_t *k = f->header.key, *w = f->payload;
    uint8_t b[4];
    for (int i = 0; i < 4; i++) b[i] = w[i] ^ k[i];
    d->question.topic = "masking";
    ASK(d,
        "The masking key is %02x %02x %02x %02x, and the payload begins on the wire with\n"
        "%02x %02x %02x %02x. Unmask these four bytes (hex).\n",
        k[0], k[1], k[2], k[3], w[0], w[1], w[2], w[3]);
    ANSWER(d, "%02x %02x %02x %02x", b[0], b[1], b[2], b[3]);
    if (isprint(b[0]) && isprint(b[1]) && isprint(b[2]) && isprint(b[3]) && !f->compressed)
        ACCEPT(d, "%c%c%c%c\n", b[0], b[1], b[2], b[3]);
    WHY(d, "Byte by byte, wire XOR key:");
    for (int i = 0; i < 4; i++)
        WHY(d, " %02x XOR %02x = %02x%s", w[i], k[i], b[i], i < 3 ? "," : ".");
    see_frame(d, f);
    return true;
}

static bool ask_who(struct wst_quiz *q, struct wst_quiz_drawn *d)
{
    const struct wst_quiz_frame *f = any_frame(q);
    if (!f || f->header.masked != (f->dir == WST_C2S))
        return false; /* a broken rule: no question */
    d->question.topic = "masking";
    ASK(d, "A frame begins with the bytes %02x %02x. Who sent it, the client or the server?\n",
        f->header.bytes[0], f->header.bytes[1]);
    ANSWER(d, f->header.masked ? "client" : "server");
    ACCEPT(d, f->header.masked ? "c\nthe client\n" : "s\nthe server\n");
    WHY(d,
        "The highest bit of the second byte, %02x, is MASK: %d. Clients must mask every frame, "
        "servers none.",
        f->header.bytes[1], f->header.masked);
    see_frame(d, f);
    return true;
}

static bool ask_compressed(struct wst_quiz *q, struct wst_quiz_drawn *d)
{
    const struct wst_quiz_frame *f = any_frame(q);
    char bits[10];
    if (!f || f->conn >= QUIZ_CONNS || !q->deflate[f->conn] || f->header.opcode > 2 ||
        !f->header.opcode)
        return false;
    d->question.topic = "compression";
    ASK(d,
        "permessage-deflate was agreed on. The first byte of a frame is %02x.\nIs the message that "
        "it begins compressed?\n",
        f->header.bytes[0]);
    yes_no(d, f->compressed);
    WHY(d,
        "%02x is %s. The second bit is RSV1, to which permessage-deflate gives this meaning: %d, "
        "%s.",
        f->header.bytes[0], bits_of(f->header.bytes[0], bits), f->header.rsv >> 2,
        f->compressed ? "compressed" : "not compressed, which is allowed for any message");
    see_frame(d, f);
    return true;
}

static bool ask_accept(struct wst_quiz *q, struct wst_quiz_drawn *d)
{
    uint8_t text[24 + sizeof GUID], digest[EVP_MAX_MD_SIZE];
    char right[32];
    unsigned n = 0;
    if (!q->shakes_n) return false;
    const struct wst_quiz_shake *s = &q->shakes[wst_quiz_below(q, q->shakes_n)];
    memcpy(text, s->key, 24);
    memcpy(text + 24, GUID, sizeof GUID - 1);
    if (!EVP_Digest(text, 24 + sizeof GUID - 1, digest, &n, EVP_sha1(), NULL) || n != 20)
        return false;
    EVP_EncodeBlock((uint8_t *)right, digest, 20);
    unsigned place = wst_quiz_below(q, 4);
    d->question.topic = "handshake";
    ASK(d, "A request has Sec-WebSocket-Key: %s\nWhich Sec-WebSocket-Accept must answer it?\n",
        s->key);
    for (unsigned i = 0; i < 4; i++) {
        char other[32];
        for (int k = 0; k < 20; k++) text[k] = (uint8_t)wst_quiz_random(q);
        EVP_EncodeBlock((uint8_t *)other, text, 20);
        ASK(d, "  %c) %s\n", 'a' + (int)i, i == place ? right : other);
    }
    ANSWER(d, "%c", 'a' + (int)place);
    ACCEPT(d, "%s\n%c)\n", right, 'a' + (int)place);
    WHY(d, "base64(SHA-1(key and " GUID " one after the other)) is %s.", right);
    snprintf(d->question.see, sizeof d->question.see, "%" PRIu64, s->conn);
    return true;
}

static bool code_may_be_sent(int32_t c)
{
    return (c >= 1000 && c <= 1003) || (c >= 1007 && c <= 1014) || (c >= 3000 && c <= 4999);
}

static bool ask_close_legal(struct wst_quiz *q, struct wst_quiz_drawn *d)
{
    static const int32_t codes[] = {1004, 1005, 1006, 1015, 1016, 2999, 999,
                                    5000, 1000, 1001, 1011, 3000, 4999};
    unsigned n = sizeof codes / sizeof *codes, pick = wst_quiz_below(q, n + q->codes_n);
    int32_t code = pick < n ? codes[pick] : q->codes[pick - n].code;
    const char *name = wst_close_code_name(code);
    d->question.topic = "closing";
    ASK(d, "May an endpoint put the code %d into a close frame?\n", (int)code);
    yes_no(d, code_may_be_sent(code));
    WHY(d, "%d%s%s%s: ", (int)code, name ? " (" : "", name ? name : "", name ? ")" : "");
    if (code == 1005 || code == 1006 || code == 1015)
        WHY(d, "an endpoint tells it to its own application when no code came; it is never sent "
               "(RFC 6455 section 7.4.1).");
    else if (code_may_be_sent(code))
        WHY(d,
            "1000 to 1003, 1007 to 1014, 3000 to 3999 (registered) and 4000 to 4999 (private) may "
            "be sent (section 7.4).");
    else
        WHY(d, "reserved, or outside all ranges that may be used (section 7.4.2).");
    if (pick >= n)
        snprintf(d->question.see, sizeof d->question.see, "%" PRIu64 ".%" PRIu64,
                 q->codes[pick - n].conn, q->codes[pick - n].n);
    return true;
}

static bool ask_close_code(struct wst_quiz *q, struct wst_quiz_drawn *d)
{
    if (!q->codes_n) return false;
    unsigned i = wst_quiz_below(q, q->codes_n);
    int32_t code = q->codes[i].code;
    const char *name = wst_close_code_name(code);
    d->question.topic = "closing";
    ASK(d, "The payload of a close frame begins, unmasked, with %02x %02x. Which code is it?\n",
        (unsigned)code >> 8, (unsigned)code & 255);
    ANSWER(d, "%d", (int)code);
    WHY(d, "The first two bytes are the code in network byte order: 0x%02x%02x = %d%s%s.",
        (unsigned)code >> 8, (unsigned)code & 255, (int)code, name ? ", " : "", name ? name : "");
    snprintf(d->question.see, sizeof d->question.see, "%" PRIu64 ".%" PRIu64, q->codes[i].conn,
             q->codes[i].n);
    return true;
}

static bool ask_finishes(struct wst_quiz *q, struct wst_quiz_drawn *d)
{
    if (!q->fragmented_n) return false;
    const struct wst_quiz_message *m = &q->fragmented[wst_quiz_below(q, q->fragmented_n)],
                                  *other = m;
    for (int i = 0; i < 2 && m->n < 3; i++) { /* of two frames it is not hard to tell */
        other = &q->fragmented[wst_quiz_below(q, q->fragmented_n)];
        if (other->n > m->n) m = other;
    }
    if (m->open) return false;
    d->question.topic = "fragments";
    ASK(d, "The %s sent these frames; the first begins message %" PRIu64 ". Their first bytes:\n",
        m->dir == WST_C2S ? "client" : "server", m->msg);
    for (unsigned i = 0; i < m->n; i++)
        ASK(d, "%s%" PRIu64 ".%" PRIu64 "  %02x", i % 6 == 0 ? i ? "\n  " : "  " : "   ", m->conn,
            m->parts[i].n, m->parts[i].first);
    ASK(d, "\nWhich of them finishes message %" PRIu64 "?\n", m->msg);
    const struct wst_quiz_part *last = &m->parts[m->n - 1];
    ANSWER(d, "%" PRIu64 ".%" PRIu64, m->conn, last->n);
    ACCEPT(d, "%" PRIu64 "\n", last->n);
    WHY(d,
        "The first continuation frame (opcode 0) with FIN: %02x, in %" PRIu64 ".%" PRIu64
        ". Control frames (8 to 10) may stand between and have FIN, too, but are not of the "
        "message.",
        last->first, m->conn, last->n);
    snprintf(d->question.see, sizeof d->question.see, "%" PRIu64 ".%" PRIu64, m->conn, last->n);
    return true;
}

/* -- all kinds --------------------------------------------------------------------------------- */

static bool (*const kinds[])(struct wst_quiz *, struct wst_quiz_drawn *) = {
    ask_opcode, ask_length, ask_unmask,      ask_finishes,   ask_accept,     ask_who,
    ask_header, ask_fin,    ask_close_legal, ask_compressed, ask_close_code,
};
static_assert(sizeof kinds / sizeof *kinds == QUIZ_KINDS, "a kind of question is not counted");

bool wst_quiz_ask(struct wst_quiz *q, unsigned kind, struct wst_quiz_drawn *d)
{
    return kind < QUIZ_KINDS && kinds[kind](q, d);
}
