/* SPDX-License-Identifier: MIT
 *
 *      +---------------+-----------------+----------------------------+
 *      |   Type (i)    |   Length (i)    |     Frame Payload (..)     |
 *      +---------------+-----------------+----------------------------+
 *                                                  RFC 9114 section 7.1
 *
 *   i: the first two bits say how many bytes the number has: 1, 2, 4 or 8.
 */
#include "http3.h"
#include "slice.h"

enum { NOWHERE, REQUEST, ANSWER, CONTROL, ASKER };

static const struct {
    uint8_t type, where;
} rows[] = {
#define WST_HTTP3_ROW(NAME, type, where) {type, where},
#include "frames.def"
#undef WST_HTTP3_ROW
};

size_t wst_http3_header(struct wst_http3_frames *f, struct wst_slice bytes)
{
    for (size_t n = 0; n < bytes.n;) {
        f->head[f->have++] = bytes.p[n++];
        size_t type = wst_varint_read(f->head, f->have, &f->type);
        size_t length = wst_varint_read(f->head + type, f->have - type, &f->left);
        if (!type || !length) continue; /* the second has a place when the first is whole */
        f->begun = true;
        f->have = 0;
        return n;
    }
    return bytes.n;
}

const char *wst_http3_misplaced(uint64_t type, enum wst_dir dir, bool control)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].type != type) continue;
        switch (rows[i].where) {
        case NOWHERE: return "a frame of HTTP/2 that HTTP/3 does not have";
        case REQUEST: return control ? "a frame of a request on the control stream" : NULL;
        case ANSWER:
            return control          ? "a frame of a request on the control stream"
                   : dir == WST_C2S ? "a client that promises a push"
                                    : NULL;
        default:
            return !control ? "a frame of the control stream elsewhere"
                   : rows[i].where == ASKER && dir == WST_S2C ? "a server that sends MAX_PUSH_ID"
                                                              : NULL;
        }
    }
    return NULL;
}
