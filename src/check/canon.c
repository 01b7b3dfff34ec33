/* SPDX-License-Identifier: MIT
 *
 * In: payloads. Out: text that is the same whenever they mean the same.
 * Refuses to let a control or hidden character pass raw.
 */
#include "canon.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum {
    BEGIN = 256,      /* bytes shown of what has a hash */
    DUMP = 16,        /* bytes on a line of a dump */
    BINARY_SHARE = 16 /* a byte of binary takes more room than one of text */
};

void wst_canon_init(struct wst_canon *c, const struct wst_check_settings *settings,
                    struct wst_budget *budget)
{
    *c = (struct wst_canon){.settings = settings, .budget = budget};
    c->scratch.budget = c->values.budget = budget;
}

void wst_canon_free(struct wst_canon *c)
{
    if (c->budget == NULL) return;
    wst_tape_free(&c->tape, c->budget);
    wst_redact_values_free(&c->values);
    wst_ink_free(&c->scratch);
    wst_buf_free(&c->order, c->budget);
}

/* -- text ------------------------------------------------------------------------------------ */

static void put_literal(void *user, struct wst_slice text)
{
    struct wst_canon *c = user;

    wst_ink_escaped(c->ink, text);
}

static void put_value(void *user, uint32_t rule, uint32_t number)
{
    static const char hex[] = "0123456789abcdef";
    struct wst_canon *c = user;
    uint8_t *at = wst_ink_room(c->ink, WST_CANON_MARK_N);

    if (at == NULL) return;
    *at++ = WST_CANON_MARK;
    *at++ = (uint8_t)hex[rule >> 4 & 15];
    *at++ = (uint8_t)hex[rule & 15];
    for (int shift = 28; shift >= 0; shift -= 4) *at++ = (uint8_t)hex[number >> shift & 15];
    c->ink->buf.n += WST_CANON_MARK_N;
}

void wst_canon_bare(struct wst_canon *c, struct wst_slice text)
{
    struct wst_redact_sink sink = {c, put_literal, put_value};

    if (c->settings->redact.n == 0)
        wst_ink_escaped(c->ink, text);
    else if (wst_redact_text(&c->settings->redact, &c->values, text, &sink))
        c->redacted = true;
}

void wst_canon_quoted(struct wst_canon *c, struct wst_slice text)
{
    wst_ink_byte(c->ink, '"');
    wst_canon_bare(c, text);
    wst_ink_byte(c->ink, '"');
}

/* A line of its own for each line of the text: "a\n" over "b". */
static void put_lines(struct wst_canon *c, struct wst_slice text, unsigned indent)
{
    do {
        const uint8_t *end = text.n ? memchr(text.p, '\n', text.n) : NULL;
        size_t n = end ? (size_t)(end - text.p) + 1 : text.n;
        wst_canon_quoted(c, wst_slice_head(text, n));
        text = wst_slice_skip(text, n);
        if (text.n) {
            wst_ink_byte(c->ink, '\n');
            wst_ink_blanks(c->ink, indent);
        }
    } while (text.n);
}

/* -- what is too long to be shown ------------------------------------------------------------ */

/* SHA-256; where the text may hold placeholders, a redacted value counts by its rule alone. */
static void put_sha256(struct wst_canon *c, struct wst_slice text, bool placeholders)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_MD_CTX *sha = EVP_MD_CTX_new();

    if (sha == NULL || !EVP_DigestInit_ex(sha, EVP_sha256(), NULL)) c->failed = true;
    while (sha && text.n) {
        const uint8_t *value = placeholders ? memchr(text.p, WST_CANON_MARK, text.n) : NULL;
        size_t some = value ? (size_t)(value - text.p) + 3 : text.n;
        EVP_DigestUpdate(sha, text.p, some);
        text = wst_slice_skip(text, value ? some + 8 : some);
    }
    if (sha) EVP_DigestFinal_ex(sha, digest, &n);
    EVP_MD_CTX_free(sha);
    wst_ink_text(c->ink, "sha256 ");
    for (unsigned i = 0; i < n; i++) wst_ink_format(c->ink, "%02x", digest[i]);
}

/* What was written behind `before` is replaced by its length, its hash and its beginning. */
static void put_hashed(struct wst_canon *c, size_t before)
{
    struct wst_slice text;
    size_t n;

    c->scratch.buf.n = 0;
    wst_ink_bytes(&c->scratch, wst_slice_skip(wst_ink_slice(c->ink), before));
    text = wst_ink_slice(&c->scratch);
    n = text.n < BEGIN ? text.n : BEGIN;
    wst_ink_cut(c->ink, before);
    wst_ink_number(c->ink, text.n);
    wst_ink_text(c->ink, " bytes, ");
    put_sha256(c, text, true);
    wst_ink_text(c->ink, "\n      begins ");
    while (n > 0 && n < text.n && (text.p[n] & 0xc0) == 0x80) n--;
    for (size_t i = n; i-- > 0 && i + WST_CANON_MARK_N > n;) /* not through a placeholder */
        if (text.p[i] == WST_CANON_MARK) n = i;
    wst_ink_bytes(c->ink, wst_slice_head(text, n));
}

/* Nothing is replaced in it: its own length and hash, which sha256sum would say, too. */
static void put_hashed_text(struct wst_canon *c, struct wst_slice text)
{
    size_t n = text.n < BEGIN ? text.n : BEGIN;

    while (n > 0 && n < text.n && (text.p[n] & 0xc0) == 0x80) n--;
    wst_ink_number(c->ink, text.n);
    wst_ink_text(c->ink, " bytes, ");
    put_sha256(c, text, false);
    wst_ink_text(c->ink, "\n      begins ");
    wst_canon_quoted(c, wst_slice_head(text, n));
}

/* -- a payload ------------------------------------------------------------------------------- */

static void put_json(struct wst_canon *c, const struct wst_canon_payload *p, size_t begins)
{
    struct wst_slice prefix = wst_slice_head(p->bytes, begins);
    size_t line, before;

    while (prefix.n && prefix.p[0] <= 0x20) prefix = wst_slice_skip(prefix, 1);
    wst_ink_text(c->ink, "json ");
    line = c->ink->buf.n - WST_CANON_BASE - 5;
    wst_canon_bare(c, prefix);
    before = c->ink->buf.n;
    if (c->json.n <= c->settings->max_payload) {
        wst_canon_put_json(c, line);
        return;
    }
    wst_canon_put_flat(c); /* blanks do not count: the canonical form decides */
    if (c->ink->buf.n - before > c->settings->max_payload) {
        put_hashed(c, before);
        return;
    }
    wst_ink_cut(c->ink, before);
    wst_canon_put_json(c, line);
}

static void put_text(struct wst_canon *c, const struct wst_canon_payload *p)
{
    size_t before;

    wst_ink_text(c->ink, p->op);
    wst_ink_byte(c->ink, ' ');
    before = c->ink->buf.n;
    if (p->bytes.n <= c->settings->max_payload) {
        put_lines(c, p->bytes, WST_CANON_BASE + 1 + (unsigned)strlen(p->op));
        return;
    }
    if (c->settings->redact.n == 0) {
        put_hashed_text(c, p->bytes);
        return;
    }
    wst_canon_quoted(c, p->bytes);
    put_hashed(c, before);
}

static void put_dump_line(struct wst_canon *c, struct wst_slice bytes)
{
    static const char hex[] = "0123456789abcdef";
    char line[3 * DUMP + 2 + DUMP + 1], *text = line + 3 * DUMP;

    memset(line, ' ', sizeof line);
    *text++ = '|';
    for (size_t i = 0; i < bytes.n; i++) {
        line[3 * i] = hex[bytes.p[i] >> 4];
        line[3 * i + 1] = hex[bytes.p[i] & 15];
        *text++ = bytes.p[i] >= 0x20 && bytes.p[i] < 0x7f ? (char)bytes.p[i] : '.';
    }
    *text++ = '|';
    wst_ink_text(c->ink, "\n      ");
    wst_ink_bytes(c->ink, wst_slice_of(line, (size_t)(text - line)));
}

static void put_binary(struct wst_canon *c, const struct wst_canon_payload *p)
{
    struct wst_slice rest = p->bytes;
    size_t most = (size_t)(c->settings->max_payload / BINARY_SHARE);

    wst_ink_text(c->ink, p->op);
    if (p->text) wst_ink_text(c->ink, ", not UTF-8");
    wst_ink_byte(c->ink, ' ');
    wst_ink_number(c->ink, rest.n);
    wst_ink_text(c->ink, rest.n == 1 ? " byte" : " bytes");
    if (rest.n > most) {
        wst_ink_text(c->ink, ", ");
        put_sha256(c, rest, false);
        rest = wst_slice_head(rest, most < 2 * DUMP ? most : 2 * DUMP);
    }
    while (rest.n) {
        put_dump_line(c, wst_slice_head(rest, DUMP));
        rest = wst_slice_skip(rest, DUMP);
    }
}

/* Nothing is asked of the JSON but its form. */
static bool may_be_flat(const struct wst_check_settings *s)
{
    return s->redact.n == 0 && s->ignore_n == 0 && s->reply_n == 0 &&
           s->max_payload >= WST_CANON_FLAT;
}

/* "json {…}" on one line, the short way. */
static bool put_flat_object(struct wst_canon *c, const struct wst_canon_payload *p)
{
    size_t before = c->ink->buf.n;

    if (p->bytes.n == 0 || p->bytes.p[0] != '{' || !may_be_flat(c->settings)) return false;
    wst_ink_text(c->ink, "json ");
    if (wst_canon_flat(c->ink, p->bytes, WST_CANON_WIDTH - WST_CANON_BASE - 5, WST_CANON_BASE))
        return true;
    wst_ink_cut(c->ink, before);
    return false;
}

void wst_canon_payload(struct wst_canon *c, const struct wst_canon_payload *p)
{
    size_t begins;

    c->tape.n = 0;
    if (p->text && p->utf8 && p->certain && put_flat_object(c, p)) return;
    if (p->text && p->utf8 && p->certain && wst_canon_read_json(c, p->bytes, &begins))
        put_json(c, p, begins);
    else if (p->utf8)
        put_text(c, p);
    else
        put_binary(c, p);
    if (!p->certain)
        wst_ink_text(c->ink, "\n      bytes are missing from the capture");
    else if (p->bytes.n < p->len) {
        wst_ink_format(c->ink, "\n      of %llu bytes, beyond the limit",
                       (unsigned long long)p->len);
    }
    if (c->scratch.failed || c->values.failed) c->failed = true;
}
