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

/* Digits in any spelling: 0x and \x before a byte, and anything that is no letter between. */
static int hex_bytes(const char *text, uint8_t *out, char error[WST_EXPLAIN_ERROR_SIZE])
{
    size_t n = 0, digits = 0;
    const char *word = text;
    for (const char *c = text; *c; c++) {
        bool prefix = (*c == '0' || *c == '\\') && (c[1] == 'x' || c[1] == 'X');
        if (prefix && digits % 2 == 0) {
            c++;
            word = c + 1;
            continue;
        }
        int d = digit(*c);
        if (d >= 0) {
            if (digits++ % 2 == 0)
                out[n] = (uint8_t)(d << 4);
            else
                out[n++] |= (uint8_t)d;
            continue;
        }
        if (!strchr(" \t\r\n,;:.-_|{}[]()\"'", *c)) {
            snprintf(error, WST_EXPLAIN_ERROR_SIZE, "place %zu: '%c' is no hex digit",
                     (size_t)(c - text) + 1, *c >= 0x20 && *c < 0x7f ? *c : '?');
            return -1;
        }
        if (digits % 2 && c - word == 1) { /* a byte of one digit, alone: 5 is 05 */
            out[n] = (uint8_t)(out[n] >> 4);
            n++;
            digits++;
        } else if (digits % 2) {
            break;
        }
        word = c + 1;
    }
    if (digits % 2) {
        if (strlen(word) == 1) {
            out[n] = (uint8_t)(out[n] >> 4);
            return (int)n + 1;
        }
        snprintf(error, WST_EXPLAIN_ERROR_SIZE,
                 "an odd number of digits: the last byte, after %zu whole ones, has only one", n);
        return -1;
    }
    if (!n) snprintf(error, WST_EXPLAIN_ERROR_SIZE, "there are no bytes in it");
    return n ? (int)n : -1;
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
