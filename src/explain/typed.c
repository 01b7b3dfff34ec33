/* SPDX-License-Identifier: MIT
 *
 * In: frames as somebody typed them. Out: each explained, as if a connection had carried them.
 * Refuses what is no hex; a frame that is cut is explained as far as it goes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"

static int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The bytes so far, of which the last may have only its first digit. */
struct hex {
    uint8_t *bytes;
    size_t n; /* whole ones */
    bool half;
    const char *word; /* where its digits begin: behind what stands between bytes */
};

static void hex_digit(struct hex *h, int d)
{
    if (h->half)
        h->bytes[h->n++] |= (uint8_t)d;
    else
        h->bytes[h->n] = (uint8_t)(d << 4);
    h->half = !h->half;
}

/* The word ends at `at`. A digit that is a word alone is a byte: 5 is 05. False: one is left over.
 */
static bool hex_word_over(struct hex *h, const char *at)
{
    if (h->half && at - h->word != 1) return false;
    if (h->half) h->bytes[h->n++] >>= 4;
    h->half = false;
    return true;
}

/* Digits in any spelling: 0x and \x before a byte, and anything that is no letter between. Returns
 * how many bytes; -1: `error` says why there are none. */
static int hex_bytes(const char *text, uint8_t *out, char error[WST_EXPLAIN_ERROR_SIZE])
{
    struct hex h = {.bytes = out, .word = text};
    const char *c = text;
    bool even = true;
    for (; *c && even; c++) {
        int d = digit(*c);
        if (!h.half && (*c == '0' || *c == '\\') && (c[1] == 'x' || c[1] == 'X')) {
            h.word = ++c + 1;
        } else if (d >= 0) {
            hex_digit(&h, d);
        } else if (strchr(" \t\r\n,;:.-_|{}[]()\"'", *c)) {
            even = hex_word_over(&h, c);
            if (even) h.word = c + 1;
        } else {
            snprintf(error, WST_EXPLAIN_ERROR_SIZE, "place %zu: '%c' is no hex digit",
                     (size_t)(c - text) + 1, *c >= 0x20 && *c < 0x7f ? *c : '?');
            return -1;
        }
    }
    if (!even || !hex_word_over(&h, c)) {
        snprintf(error, WST_EXPLAIN_ERROR_SIZE,
                 "an odd number of digits: the last byte, after %zu whole ones, has only one", h.n);
        return -1;
    }
    if (!h.n) snprintf(error, WST_EXPLAIN_ERROR_SIZE, "there are no bytes in it");
    return h.n ? (int)h.n : -1;
}

int wst_explain_hex(struct wst_explain *x, const char *text, char error[WST_EXPLAIN_ERROR_SIZE])
{
    size_t most = strlen(text) + 1;
    int frames = 0, n;
    if (most > SUBJECT_RAW_MAX) {
        snprintf(error, WST_EXPLAIN_ERROR_SIZE, "that is too much to explain");
        return -1;
    }
    uint8_t *bytes = malloc(most);
    if (!bytes) {
        snprintf(error, WST_EXPLAIN_ERROR_SIZE, "out of memory");
        return -1;
    }
    n = hex_bytes(text, bytes, error);
    for (struct wst_slice rest = {bytes, n > 0 ? (size_t)n : 0}; rest.n; frames++) {
        struct wst_subject s = {.dir = WST_DIR_NONE, .deflate = WST_UNKNOWN, .takeover = true};
        wst_header_bits(&s.header, rest.p, rest.n);
        size_t taken = s.header.have;
        s.payload = (struct wst_slice){rest.p + taken, rest.n - taken};
        if (s.header.have < s.header.need) s.payload.n = 0;
        if (s.payload.n > s.header.len) s.payload.n = (size_t)s.header.len;
        int side = s.header.masked ? WST_C2S : WST_S2C;
        s.n = ++x->typed_n[0];
        wst_explain_frame(x, &s, &x->typed.stream[side], true);
        taken += s.payload.n;
        rest = (struct wst_slice){rest.p + taken, rest.n - taken};
    }
    free(bytes);
    return n < 0 ? -1 : frames;
}
