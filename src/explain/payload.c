/* SPDX-License-Identifier: MIT
 *
 * In: the payload of one frame. Out: how it is unmasked (RFC 6455 section 5.3), and what it says.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "subject.h"
#include "utf8.h"

enum { FEW = 16 };

/* A part of a compressed message: its bytes mean nothing before they are inflated. */
static bool deflated(const struct wst_subject *s)
{
    return s->stream && s->stream->compressed && s->header.opcode <= 2;
}

/* The character that begins at plain[i]; "" inside one. */
static void character(struct wst_paper *p, const struct wst_subject *s, size_t i, bool text)
{
    const uint8_t *c = s->plain.p + i, *end = s->plain.p + s->plain.n;
    size_t n = text ? wst_utf8_char(c, end) : *c >= 0x20 && *c < 0x7f;
    if (text && (*c & 0xc0) == 0x80)
        wst_paper_cell(p, WST_INK_DIM, "%s", "(goes on)");
    else if (deflated(s))
        wst_paper_cell(p, WST_INK_NONE, "%s", "");
    else
        wst_paper_cell(p, WST_INK_PAYLOAD, "%s",
                       *c == ' ' ? "(blank)"
                       : n       ? wst_paper_quote(p, (struct wst_slice){c, n}, n)
                                 : ".");
}

static void unmask_row(struct wst_paper *p, const struct wst_subject *s, size_t i, bool text)
{
    uint8_t k = s->header.key[i % 4];
    wst_paper_cell(p, WST_INK_NONE, "%zu", i);
    wst_paper_cell(p, WST_INK_NONE, "%02x", s->payload.p[i]);
    wst_paper_cell(p, WST_INK_NONE, "%s", wst_paper_bits(p, s->payload.p[i], 8));
    wst_paper_cell(p, WST_INK_KEY, "%02x", k);
    wst_paper_cell(p, WST_INK_KEY, "%s", wst_paper_bits(p, k, 8));
    wst_paper_cell(p, WST_INK_BOLD, "%s", wst_paper_bits(p, s->plain.p[i], 8));
    wst_paper_cell(p, WST_INK_BOLD, "%02x", s->plain.p[i]);
    character(p, s, i, text);
}

static void unmask(struct wst_paper *p, const struct wst_subject *s, bool text)
{
    static const struct wst_column columns[] = {
        {"i", "i", WST_COLUMN_NUMBER},         {"wire", "wire", WST_COLUMN_WORD},
        {"wire_bits", "", WST_COLUMN_WORD},    {"key", "key[i mod 4]", WST_COLUMN_WORD},
        {"key_bits", "", WST_COLUMN_WORD},     {"xor", "wire XOR key", WST_COLUMN_WORD},
        {"result", "result", WST_COLUMN_WORD}, {"character", "character", WST_COLUMN_WORD},
    };
    size_t n = s->plain.n, shown = s->options->all || n <= FEW ? n : FEW;
    wst_paper_heading(p, "Unmasking (RFC 6455 section 5.3)");
    wst_paper_table(p, "unmasking", columns, 8);
    for (size_t i = 0; i < shown; i++) unmask_row(p, s, i, text);
    wst_paper_table_end(p);
    if (shown < n)
        wst_paper_say(p, "… and %zu byte%s more; --all shows them", n - shown,
                      n - shown == 1 ? "" : "s");
}

static void says_close(struct wst_paper *p, const struct wst_subject *s)
{
    struct wst_slice plain = s->plain;
    if (plain.n < 2) {
        wst_paper_null(p, "close_code");
        wst_paper_line(p, "close_meaning", "close code", WST_INK_NONE, "%s",
                       plain.n ? "wrong: one byte cannot be a code (section 5.5.1)"
                               : "none, which is allowed; an endpoint reports it as 1005");
        return;
    }
    int32_t code = plain.p[0] << 8 | plain.p[1];
    const char *name = wst_close_code_name(code);
    bool legal = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                 (code >= 3000 && code <= 4999);
    wst_paper_number(p, "close_code", (uint64_t)code);
    wst_paper_line(p, "close_meaning", "close code", legal ? WST_INK_NONE : WST_INK_BAD,
                   "%02x %02x = %d%s%s%s", plain.p[0], plain.p[1], (int)code, name ? " " : "",
                   name ? name : "",
                   !legal         ? "; wrong: must not be sent (section 7.4)"
                   : code >= 4000 ? "; 4000-4999 are for private use (section 7.4.2)"
                   : code >= 3000 ? "; 3000-3999 are registered with IANA (section 7.4.2)"
                                  : "");
    struct wst_slice reason = {plain.p + 2, plain.n - 2};
    bool valid = wst_utf8_valid(reason);
    const char *quoted = wst_paper_quote(p, reason, 200);
    wst_paper_word(p, "close_reason", quoted);
    wst_paper_line(p, NULL, "reason", valid ? WST_INK_NONE : WST_INK_BAD, "\"%s\"%s", quoted,
                   valid ? "" : ", which is not UTF-8: wrong (section 5.5.1)");
}

static void says(struct wst_paper *p, const struct wst_subject *s, bool text)
{
    const struct wst_header_bits *h = &s->header;
    if (h->opcode == 8) {
        says_close(p, s);
        return;
    }
    if (!s->plain.n) return;
    if (deflated(s))
        wst_paper_line(p, "payload_hex", "compressed bytes", WST_INK_PAYLOAD, "%s",
                       wst_paper_hex(p, s->plain, p->json || s->options->all ? 320 : 32));
    else if (text && p->json)
        wst_paper_word(p, "payload_text", wst_paper_quote(p, s->plain, 1000));
    else if (text)
        wst_paper_line(p, NULL, "text", WST_INK_PAYLOAD, "\"%s\"",
                       wst_paper_quote(p, s->plain, s->options->all ? 1000 : 240));
    else
        wst_paper_line(p, "payload_hex", "bytes", WST_INK_PAYLOAD, "%s",
                       wst_paper_hex(p, s->plain, p->json || s->options->all ? 320 : 32));
    /* A character may begin in one frame and end in the next. */
    struct wst_utf8 u;
    wst_utf8_init(&u);
    if (text && !deflated(s) && h->opcode == 1 && !wst_utf8_feed(&u, s->plain))
        wst_paper_line(p, "payload_wrong", "wrong", WST_INK_BAD,
                       "byte %" PRIu64 ", %02x, cannot stand there in UTF-8 (section 8.1)", u.bad,
                       s->plain.p[u.bad]);
}

void wst_payload_explain(struct wst_paper *p, const struct wst_subject *s)
{
    const struct wst_header_bits *h = &s->header;
    if (h->have < h->need) return;
    bool data_text = h->opcode == 1 || (h->opcode == 0 && s->stream && s->stream->text);
    bool text = !deflated(s) && (data_text || (h->opcode >= 9 && wst_utf8_valid(s->plain)));
    if (h->masked && s->plain.n) {
        unmask(p, s, text);
        wst_paper_heading(p, "Unmasked payload");
    } else {
        wst_paper_heading(p, "Payload");
        if (!s->plain.n && h->opcode != 8) wst_paper_say(p, "none");
    }
    says(p, s, text);
    uint64_t behind = h->len - s->plain.n, lacks = behind ? wst_payload_lacks(s) : 0;
    const char *at_least = s->unlisted ? "at least " : "";
    if (behind && !lacks)
        wst_paper_line(p, "payload_missing", "missing", WST_INK_BAD,
                       "what stands behind the first %zu bytes was not kept", s->plain.n);
    else if (behind && lacks < behind)
        wst_paper_line(p, "payload_missing", "missing", WST_INK_BAD,
                       "%s%" PRIu64 " of %" PRIu64
                       " bytes %s not in the capture; shown is what stands before %s",
                       at_least, lacks, h->len, lacks == 1 ? "is" : "are",
                       lacks == 1 ? "it" : "the first of them");
    else if (behind)
        wst_paper_line(p, "payload_missing", "missing", WST_INK_BAD,
                       "%" PRIu64 " of %" PRIu64 " bytes %s not there", behind, h->len,
                       behind == 1 ? "is" : "are");
}
