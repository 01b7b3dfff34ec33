/* SPDX-License-Identifier: MIT
 *
 * In: one frame. Out: its fields, bit by bit, with what each means here and which rule it keeps or
 * breaks; its header bytes; the TCP segments that carried it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "subject.h"

enum { MEANING = 320 };

struct field {
    const char *key, *name;
    unsigned bit, bits;
    enum wst_ink ink;
    uint64_t value;
    bool wrong;
    char meaning[MEANING];
};

static void means(struct field *f, bool wrong, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void means(struct field *f, bool wrong, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(f->meaning, sizeof f->meaning, format, args);
    va_end(args);
    f->wrong = wrong;
}

static bool is_control(const struct wst_header_bits *h)
{
    return h->opcode >= 8;
}

/* -- what each field means here ---------------------------------------------------------------- */

static void fin(struct field *f, const struct wst_subject *s)
{
    const struct wst_header_bits *h = &s->header;
    if (is_control(h) && h->fin)
        means(f, false, "the frame is complete; a control frame is never fragmented");
    else if (is_control(h))
        means(f, true, "wrong: a control frame must not be fragmented (RFC 6455 section 5.5)");
    else if (h->fin)
        means(f, false,
              h->opcode ? "the whole message is in this frame" : "the last frame of its message");
    else
        means(f, false,
              h->opcode ? "the first frame of a message; more follow"
                        : "neither the first nor the last frame of its message");
}

static void rsv1(struct field *f, const struct wst_subject *s)
{
    const struct wst_header_bits *h = &s->header;
    bool set = h->rsv & 4, first = !is_control(h) && h->opcode;
    if (!set && !first && s->stream && s->stream->compressed && !is_control(h))
        means(f, false, "0, though the message is compressed: only its first frame says so");
    else if (!set)
        means(f, false,
              s->deflate == WST_YES && first
                  ? "not compressed; permessage-deflate was agreed on, but is optional"
                  : "not compressed");
    else if (!first)
        means(f, true,
              "wrong: only the first frame of a message may carry it (RFC 7692 section 6)");
    else if (s->deflate == WST_NO)
        means(f, true,
              "wrong: no extension that gives it a meaning was agreed on (RFC 6455 "
              "section 5.2)");
    else
        means(f, false,
              s->deflate == WST_YES
                  ? "the message is compressed (permessage-deflate, RFC 7692 section 6)"
                  : "the message is compressed, if permessage-deflate was agreed on");
}

static void rsv(struct field *f, bool set)
{
    means(f, set,
          set ? "wrong: no extension gives it a meaning (RFC 6455 section 5.2)"
              : "reserved for extensions; must be 0");
}

static void opcode(struct field *f, const struct wst_subject *s)
{
    const char *name = wst_opcode_name(s->header.opcode);
    static const char *const what[16] = {
        [0] = "goes on with the message that was begun",
        [1] = "begins a message of UTF-8 text",
        [2] = "begins a message of bytes",
        [8] = "control: asks for the end, or answers that (section 5.5.1)",
        [9] = "control: asks for a pong with the same payload (section 5.5.2)",
        [10] = "control: answers a ping, or shows unasked that one is alive (section 5.5.3)",
    };
    if (!what[s->header.opcode])
        means(f, true, "wrong: %s; the receiver must fail the connection (section 5.2)", name);
    else if (s->header.opcode == 0 && !s->before_open && !s->before_unsure)
        means(f, true, "%s: wrong: no message was begun that it could continue (section 5.4)",
              name);
    else if (s->header.opcode && !is_control(&s->header) && s->before_open)
        means(f, true, "%s: wrong: the message before is not finished (section 5.4)", name);
    else if (s->before_closed)
        means(f, true, "%s: wrong: nothing may follow one's own close frame (section 5.5.1)", name);
    else
        means(f, false, "%s: %s", name, what[s->header.opcode]);
}

static void mask(struct field *f, const struct wst_subject *s)
{
    bool on = s->header.masked;
    if (s->dir == WST_DIR_NONE)
        means(f, false,
              on ? "masked: it is a client's; clients must mask (section 5.1)"
                 : "not masked: it is a server's; servers must not mask (section 5.1)");
    else if (s->dir == WST_C2S)
        means(f, !on,
              on ? "masked, as every frame of a client must be (section 5.1)"
                 : "wrong: a client must mask every frame (section 5.1)");
    else
        means(f, on,
              on ? "wrong: a server must not mask (section 5.1)"
                 : "not masked: a server must not mask (section 5.1)");
}

static void length(struct field *f, const struct wst_subject *s)
{
    const struct wst_header_bits *h = &s->header;
    bool wrong = is_control(h) && h->extended;
    if (wrong)
        means(f, true, "%u: wrong: a control frame has at most 125 bytes (section 5.5)", h->len7);
    else if (h->extended)
        means(f, false, "%u: not the length itself; the next %u bits are", h->len7, h->extended);
    else
        means(f, false, "up to 125: the length itself, %u byte%s", h->len7,
              h->len7 == 1 ? "" : "s");
}

static void extended(struct field *f, const struct wst_subject *s)
{
    const struct wst_header_bits *h = &s->header;
    uint64_t least = h->extended == 16 ? 126 : 65536;
    if (h->have < 2 + h->extended / 8)
        means(f, true, "cut: %u of its %u bytes %s there", h->have - 2, h->extended / 8,
              h->have - 2 == 1 ? "is" : "are");
    else if (h->extended == 64 && h->len >> 63)
        means(f, true, "wrong: the highest bit must be 0 (section 5.2)");
    else if (h->len < least)
        means(f, true,
              "wrong: %" PRIu64 " fits fewer bits; the shortest form must be used "
              "(section 5.2)",
              h->len);
    else
        means(f, false, "the payload has %" PRIu64 " bytes (network byte order)", h->len);
}

static void key(struct field *f, const struct wst_subject *s)
{
    if (s->header.have < s->header.need)
        means(f, true, "cut: the frame ends before the key does");
    else
        means(f, false, "chosen anew, at random, for each frame (section 5.3)");
}

uint64_t wst_payload_lacks(const struct wst_subject *s)
{
    uint64_t behind = s->header.len - s->payload.n, lacks = 0;
    if (!s->segments_n) return behind;
    for (size_t i = 0; i < s->segments_n; i++) {
        const struct wst_wire_segment *run = &s->segments[i];
        uint64_t front = run->at < s->header.need ? s->header.need - run->at : 0;
        if (!run->pkt && front < run->n) lacks += run->n - front;
    }
    return lacks;
}

static void payload(struct field *f, const struct wst_subject *s)
{
    uint64_t len = s->header.len;
    if (s->header.have < s->header.need)
        means(f, true, "nothing of it is there");
    else if (s->payload.n < len && wst_payload_lacks(s) < len - s->payload.n)
        means(f, true, "%" PRIu64 " bytes, of which the first %zu are shown", len, s->payload.n);
    else if (s->payload.n < len)
        means(f, true, "%zu of %" PRIu64 " bytes %s there", s->payload.n, len,
              s->payload.n == 1 ? "is" : "are");
    else if (len == 0)
        means(f, false, "none");
    else
        means(f, false, "%" PRIu64 " byte%s%s", len, len == 1 ? "" : "s",
              s->header.masked ? ", masked" : "");
}

/* -- tables ------------------------------------------------------------------------------------ */

static unsigned fields_of(const struct wst_subject *s, struct field f[11])
{
    const struct wst_header_bits *h = &s->header;
    unsigned n = 0, bit = 16;
    f[n++] = (struct field){"fin", "FIN", 0, 1, WST_INK_FIN, h->fin, false, ""};
    f[n++] = (struct field){"rsv1", "RSV1", 1, 1, WST_INK_RSV, h->rsv >> 2, false, ""};
    f[n++] = (struct field){"rsv2", "RSV2", 2, 1, WST_INK_RSV, h->rsv >> 1 & 1, false, ""};
    f[n++] = (struct field){"rsv3", "RSV3", 3, 1, WST_INK_RSV, h->rsv & 1, false, ""};
    f[n++] = (struct field){"opcode", "opcode", 4, 4, WST_INK_OPCODE, h->opcode, false, ""};
    fin(&f[0], s);
    rsv1(&f[1], s);
    rsv(&f[2], h->rsv & 2);
    rsv(&f[3], h->rsv & 1);
    opcode(&f[4], s);
    if (h->have < 2) return n;
    f[n] = (struct field){"mask", "MASK", 8, 1, WST_INK_MASK, h->masked, false, ""};
    mask(&f[n++], s);
    f[n] = (struct field){"payload_len", "Payload len", 9, 7, WST_INK_LENGTH, h->len7, false, ""};
    length(&f[n++], s);
    if (h->extended) {
        f[n] = (struct field){"extended_payload_length", "Ext. length", bit,   h->extended,
                              WST_INK_EXTENDED,          h->len,        false, ""};
        extended(&f[n++], s);
        bit += h->extended;
    }
    if (h->masked) {
        uint64_t k = (uint64_t)h->key[0] << 24 | h->key[1] << 16 | h->key[2] << 8 | h->key[3];
        f[n] = (struct field){"masking_key", "Masking-key", bit, 32, WST_INK_KEY, k, false, ""};
        key(&f[n++], s);
        bit += 32;
    }
    f[n] = (struct field){"payload", "Payload", bit, 0, WST_INK_PAYLOAD, 0, false, ""};
    payload(&f[n++], s);
    return n;
}

static void field_row(struct wst_paper *p, const struct wst_subject *s, const struct field *f)
{
    uint64_t last = f->bits ? f->bit + f->bits - 1 : f->bit + 8 * s->header.len - 1;
    bool none = !f->bits && (!s->header.len || s->header.len >> 60);
    wst_paper_cell(p, f->ink, "%s", f->name);
    if (none)
        wst_paper_cell(p, WST_INK_NONE, "-");
    else if (f->bits == 1)
        wst_paper_cell(p, WST_INK_NONE, "%u", f->bit);
    else
        wst_paper_cell(p, WST_INK_NONE, "%u-%" PRIu64, f->bit, last);
    wst_paper_cell(p, f->ink, "%s",
                   f->bits && f->bits <= 7 ? wst_paper_bits(p, f->value, f->bits) : "");
    if (f->bits >= 16)
        wst_paper_cell(p, f->ink, "%0*" PRIx64, (int)f->bits / 4, f->value);
    else if (f->bits > 1)
        wst_paper_cell(p, f->ink, "%0*" PRIx64, f->bits > 4 ? 2 : 1, f->value);
    else
        wst_paper_cell(p, f->ink, "%s", "");
    if (f->bits && f->ink != WST_INK_KEY)
        wst_paper_cell(p, f->ink, "%" PRIu64, f->value);
    else
        wst_paper_cell(p, f->ink, "%s", "");
    wst_paper_cell(p, f->wrong ? WST_INK_BAD : WST_INK_NONE, "%s", f->meaning);
    wst_paper_cell(p, WST_INK_NONE, "%s", f->wrong ? "wrong" : "");
    wst_paper_cell(p, WST_INK_NONE, "%s", f->key);
}

void wst_fields_explain(struct wst_paper *p, const struct wst_subject *s)
{
    static const struct wst_column columns[] = {
        {"name", "field", WST_COLUMN_WORD},    {"bits", "bits", WST_COLUMN_WORD},
        {"binary", "binary", WST_COLUMN_WORD}, {"hex", "hex", WST_COLUMN_WORD},
        {"value", "value", WST_COLUMN_NUMBER}, {"meaning", "meaning", WST_COLUMN_WORD},
        {"verdict", "", WST_COLUMN_DATA},      {"field", "", WST_COLUMN_DATA},
    };
    struct field f[11];
    unsigned n = fields_of(s, f);
    wst_paper_heading(p, "Fields (RFC 6455 section 5.2)");
    wst_paper_table(p, "fields", columns, 8);
    for (unsigned i = 0; i < n; i++) field_row(p, s, &f[i]);
    wst_paper_table_end(p);
    if (s->header.have < s->header.need)
        wst_paper_say(p, "The header is cut: %u of %s%u bytes %s there.", s->header.have,
                      s->header.have < 2 ? "at least " : "", s->header.need,
                      s->header.have == 1 ? "is" : "are");
}

static const char *byte_fields(const struct wst_header_bits *h, unsigned i)
{
    if (i == 0) return "FIN, RSV1-3, opcode";
    if (i == 1) return "MASK, Payload len";
    return i < 2 + h->extended / 8 ? "Extended payload length" : "Masking-key";
}

/* Each word in the colour of its bits: a table's cell has but one. */
static void byte_words(struct wst_paper *p, const struct wst_header_bits *h, unsigned i)
{
    for (const char *word = byte_fields(h, i); *word;) {
        int n = (int)strcspn(word, ",");
        unsigned bit = 8 * i;
        if (i == 0 && *word != 'F') bit = *word == 'R' ? 1 : 4;
        if (i == 1 && *word != 'M') bit = 9;
        wst_paper_put(p, wst_bit_ink(h, bit), "%.*s", n, word);
        word += n;
        if (*word) wst_paper_put(p, WST_INK_NONE, ", ");
        word += strspn(word, ", ");
    }
    wst_paper_put(p, WST_INK_NONE, "\n");
}

static void bytes_drawn(struct wst_paper *p, const struct wst_header_bits *h)
{
    wst_paper_put(p, WST_INK_DIM, "  byte  hex  binary     belongs to");
    wst_paper_put(p, WST_INK_NONE, "\n");
    for (unsigned i = 0; i < h->have; i++) {
        wst_paper_put(p, WST_INK_NONE, "  %4u  ", i);
        wst_paper_put(p, i < 2 ? WST_INK_NONE : wst_bit_ink(h, 8 * i), "%02x   ", h->bytes[i]);
        for (unsigned b = 0; b < 8; b++)
            wst_paper_put(p, wst_bit_ink(h, 8 * i + b), "%s%d", b == 4 ? " " : "",
                          h->bytes[i] >> (7 - b) & 1);
        wst_paper_put(p, WST_INK_NONE, "  ");
        byte_words(p, h, i);
    }
}

void wst_bytes_explain(struct wst_paper *p, const struct wst_subject *s)
{
    static const struct wst_column columns[] = {
        {"at", "", WST_COLUMN_NUMBER},
        {"hex", "", WST_COLUMN_WORD},
        {"binary", "", WST_COLUMN_WORD},
        {"fields", "", WST_COLUMN_WORD},
    };
    const struct wst_header_bits *h = &s->header;
    wst_paper_heading(p, "Header: %u byte%s", h->have, h->have == 1 ? "" : "s");
    if (!p->json) {
        bytes_drawn(p, h);
        return;
    }
    wst_paper_table(p, "header", columns, 4);
    for (unsigned i = 0; i < h->have; i++) {
        wst_paper_cell(p, WST_INK_NONE, "%u", i);
        wst_paper_cell(p, WST_INK_NONE, "%02x", h->bytes[i]);
        wst_paper_cell(p, WST_INK_NONE, "%s", wst_paper_bits(p, h->bytes[i], 8));
        wst_paper_cell(p, WST_INK_NONE, "%s", byte_fields(h, i));
    }
    wst_paper_table_end(p);
}

/* -- segments ---------------------------------------------------------------------------------- */

enum wst_inside wst_inside_of(const struct wst_event_handshake *h)
{
    return h->tcp_stream < 0   ? WST_INSIDE_QUIC
           : h->stream_id >= 0 ? WST_INSIDE_STREAM
           : h->tls            ? WST_INSIDE_TLS
                               : WST_INSIDE_TCP;
}

static void segment_row(struct wst_paper *p, const struct wst_wire_segment *w,
                        enum wst_inside inside)
{
    bool tcp = inside == WST_INSIDE_TCP;
    wst_paper_cell_number(p, w->pkt != 0, w->pkt);
    wst_paper_cell(p, WST_INK_NONE, "%" PRIu64 "-%" PRIu64, w->at, w->at + w->n - 1);
    wst_paper_cell(p, WST_INK_NONE, "%" PRIu64, w->n);
    if (!w->pkt)
        wst_paper_cell(p, WST_INK_BAD, "not in the capture");
    else if (!tcp) /* TCP or QUIC numbered the records or frames, not what was in them */
        wst_paper_cell(p, WST_INK_NONE, "%s %" PRIu32 "-%" PRIu32,
                       inside == WST_INSIDE_TLS ? "decrypted bytes" : "bytes", w->seq,
                       (uint32_t)(w->seq + w->n - 1));
    else if (w->relative >= 0)
        wst_paper_cell(p, WST_INK_NONE, "%" PRId64 "-%" PRIu64 "  (as sent: %" PRIu32 ")",
                       w->relative, (uint64_t)w->relative + w->n - 1, w->seq);
    else
        wst_paper_cell(p, WST_INK_NONE, "as sent: %" PRIu32 "-%" PRIu32, w->seq,
                       (uint32_t)(w->seq + w->n - 1));
    wst_paper_cell_number(p, w->pkt && tcp, w->seq);
    wst_paper_cell_number(p, w->pkt && w->relative >= 0 && tcp, (uint64_t)w->relative);
    wst_paper_cell(p, WST_INK_NONE, "%" PRIu64, w->at);
}

void wst_segments_explain(struct wst_paper *p, const char *key_,
                          const struct wst_wire_segment *segments, size_t n, uint64_t unlisted,
                          enum wst_inside inside)
{
    static const char *const heads[] = {
        [WST_INSIDE_TCP] = "TCP sequence numbers",
        [WST_INSIDE_TLS] = "inside TLS",
        [WST_INSIDE_STREAM] = "inside its HTTP/2 stream",
        [WST_INSIDE_QUIC] = "inside its HTTP/3 stream",
    };
    const struct wst_column columns[] = {
        {"pkt", "packet", WST_COLUMN_NUMBER}, {"bytes", "its bytes", WST_COLUMN_WORD},
        {"n", "how many", WST_COLUMN_NUMBER}, {"sequence", heads[inside], WST_COLUMN_WORD},
        {"seq", "", WST_COLUMN_COUNT},        {"relative", "", WST_COLUMN_COUNT},
        {"at", "", WST_COLUMN_COUNT},
    };
    enum { SHOWN = 64 };
    size_t shown = p->json || n <= SHOWN ? n : SHOWN;
    wst_paper_table(p, key_, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < shown; i++) segment_row(p, &segments[i], inside);
    wst_paper_table_end(p);
    if (shown < n) wst_paper_say(p, "… and %zu segments more", n - shown);
    if (unlisted)
        wst_paper_say(p,
                      "The segments of the last %" PRIu64 " bytes are not listed: there are too "
                      "many.",
                      unlisted);
}
