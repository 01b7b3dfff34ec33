/* SPDX-License-Identifier: MIT
 *
 * The door of the sniff room.
 *
 *  | kind 1 | bytes …            kind 0: first bytes, and the length of a PROXY header
 *                                kind 1: a SOCKS talk: | whose turn 1 | length 1 | bytes … | …
 */
#include "sniff/sniff.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A verdict stands; that of SOCKS falls when more comes than a client may say. */
static void first_bytes(const uint8_t *p, size_t n)
{
    enum wst_sniffed before = WST_SNIFF_MORE;
    for (size_t k = 0; k <= n && k <= 600; k++) {
        uint8_t *exact = malloc(k ? k : 1);
        if (!exact) return;
        if (k) memcpy(exact, p, k);
        struct wst_slice s = {exact, k};
        enum wst_sniffed is = wst_sniff(s);
        if (before != WST_SNIFF_MORE && is != before && before != WST_SNIFF_SOCKS) abort();
        before = is;
        int length = is == WST_SNIFF_PROXY ? wst_sniff_proxy_length(s) : 0;
        if (length < -1 || (length > 0 && (size_t)length > k)) abort();
        struct wst_sniff_source source;
        if (length > 0 && wst_sniff_proxy_source(wst_slice_head(s, (size_t)length), &source) &&
            source.family != 4 && source.family != 6)
            abort();
        free(exact);
    }
}

static void talk(const uint8_t *p, size_t n)
{
    struct wst_socks socks = {0};
    for (size_t at = 0; at + 2 <= n;) {
        size_t k = p[at + 1] < n - at - 2 ? p[at + 1] : n - at - 2;
        uint8_t *exact = malloc(k ? k : 1);
        if (!exact) return;
        memcpy(exact, p + at + 2, k);
        int took = wst_socks_take(&socks, p[at] & 1, (struct wst_slice){exact, k});
        free(exact);
        if (took < WST_SOCKS_FAILED || (took > 0 && (size_t)took > k)) abort();
        at += 2 + k;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    if (data[0] & 1)
        talk(data + 1, size - 1);
    else
        first_bytes(data + 1, size - 1);
    return 0;
}
