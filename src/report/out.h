/* SPDX-License-Identifier: MIT
 *
 * In: pieces of the page. Out: large pieces of them to the caller's writer.
 * Refuses to let data become markup: between <script type="application/json"> and </script> only
 * '<' could end the block or open a comment; '<', '>' and '&' are written \u003c, \u003e, \u0026,
 * which mean the same in a JSON string. Outside of strings JSON has none of them.
 */
#ifndef WST_REPORT_OUT_H
#define WST_REPORT_OUT_H

#include <wstrace/render.h>

enum { WST_REPORT_OUT_SIZE = 64 * 1024 }; /* bytes: few write calls */

struct wst_report_out {
    wst_write_fn write;
    void *user;
    uint64_t total; /* bytes so far */
    size_t n;       /* of buffer */
    int failed;     /* what the writer returned; 0: all is well */
    uint8_t buffer[WST_REPORT_OUT_SIZE];
};

void wst_report_flush(struct wst_report_out *out);

/* As they are: the page itself, punctuation. */
void wst_report_bytes(struct wst_report_out *out, const void *p, size_t n);
void wst_report_text(struct wst_report_out *out, const char *text);

/* Finished JSON. */
void wst_report_json(struct wst_report_out *out, const uint8_t *p, size_t n);

/* A JSON number; one that a double cannot hold becomes a string of its digits. */
void wst_report_number(struct wst_report_out *out, uint64_t value);
void wst_report_signed(struct wst_report_out *out, int64_t value);

/* JSON strings with their quotes. `s` is valid UTF-8; a bad byte would become U+FFFD. */
void wst_report_string(struct wst_report_out *out, struct wst_slice s);
void wst_report_base64(struct wst_report_out *out, struct wst_slice s);
void wst_report_hex(struct wst_report_out *out, struct wst_slice s);

#endif
