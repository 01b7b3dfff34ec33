/* SPDX-License-Identifier: MIT
 *
 * The door of the explain room for bytes that were typed. An input is one byte of options, then the
 * bytes of frames, which are handed over as hex digits. What is said is safe for a terminal and
 * fits it; as JSON it has no control character either.
 */
#include <stdlib.h>
#include <string.h>
#include <wstrace/explain.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct said {
    bool colour;
    uint64_t n;
};

static int on_write(void *user, const uint8_t *p, size_t n)
{
    struct said *s = user;
    for (size_t i = 0; i < n; i++)
        if ((p[i] < 0x20 && p[i] != '\n' && !(s->colour && p[i] == 0x1b)) || p[i] == 0x7f) abort();
    s->n += n;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char error[WST_EXPLAIN_ERROR_SIZE];
    if (size < 2 || size > 4096) return 0;
    struct wst_explain_options options = {.json = data[0] & 1,
                                          .colour = data[0] & 2,
                                          .all = data[0] & 4,
                                          .utf8 = data[0] & 8,
                                          .width = 80 + (data[0] >> 4)};
    struct said said = {options.colour && !options.json, 0};
    char *text = malloc(2 * size);
    struct wst_explain *x = wst_explain_new(&options, on_write, &said);
    if (!text || !x) abort();
    for (size_t i = 1; i < size; i++) {
        text[2 * i - 2] = digits[data[i] >> 4];
        text[2 * i - 1] = digits[data[i] & 15];
    }
    text[2 * size - 2] = '\0';
    if (wst_explain_hex(x, text, error) < 1) abort();
    if (wst_explain_finish(x) < 1 || !said.n) abort();
    wst_explain_free(x);
    free(text);
    return 0;
}
