/* SPDX-License-Identifier: MIT
 *
 * Key logs, as anybody may write them. Said whole and said by the byte they have the same secrets.
 */
#include "tls/keylog.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint64_t seed[2] = {3, 4};

/* As whoever follows a growing file: what was not taken is given again. */
static void push(struct wst_keylog *k, const uint8_t *p, size_t n, size_t piece)
{
    size_t from = 0;
    for (size_t to = 0; to < n;) {
        to = n - to < piece ? n : to + piece;
        uint8_t *exact = malloc(to - from);
        if (!exact) return;
        memcpy(exact, p + from, to - from);
        size_t taken = wst_keylog_push(k, (struct wst_slice){exact, to - from}, to == n);
        if (taken > to - from) abort();
        if (to - from - taken > WST_KEYLOG_LINE_MAX) abort(); /* must not pile up */
        free(exact);
        from += taken;
    }
    if (n && from != n) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wst_budget budget = {.max = 1 << 16};
    struct wst_keylog *whole = wst_keylog_new(&budget, seed),
                      *bytes = wst_keylog_new(&budget, seed);
    if (whole && bytes) {
        push(whole, data, size, size ? size : 1);
        push(bytes, data, size, 1);
        bool full = budget.used > budget.max / 4; /* one of them may have had no room */
        if (!full && wst_keylog_count(whole) != wst_keylog_count(bytes)) abort();
        if (!full && wst_keylog_premasters(whole) != wst_keylog_premasters(bytes)) abort();
    }
    wst_keylog_free(whole);
    wst_keylog_free(bytes);
    if (budget.used) abort();
    return 0;
}
