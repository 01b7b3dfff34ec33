/* SPDX-License-Identifier: MIT
 *
 * In: bytes behind a gap. Out: whether DATA begins with the first of them. DATA is a zero and a
 * length, which is no evidence at all. But nearly always it carries a frame of WebSocket, no more
 * and no less: then two lengths agree, a first byte is one of few, and one bit tells who sent it.
 * With a length of two bytes that is enough; if not, another one must follow, or the end. Some put
 * a frame's header into DATA of its own: then its payload follows, in one as long as that.
 */
#include "http3.h"
#include "slice.h"

/* DATA that carries one frame. */
struct sought {
    uint64_t whole; /* its bytes, with all headers */
    uint8_t begins; /* the frame's first byte */
    bool strong;    /* more than lengths of a byte agree */
};

/* RFC 6455 section 5.2, RFC 7692 section 6. Bits and opcodes that a frame may have. */
static bool begins_any(uint8_t c)
{
    uint8_t opcode = c & 15;
    if (c & 0x30 || (c & 0x40 && opcode != 1 && opcode != 2)) return false;
    return opcode <= 2 || (c >= 0x88 && c <= 0x8a);
}

/* Zeros, ones and twos are small numbers in what a server sends, which nothing masks. */
static bool begins_one(uint8_t c, enum wst_dir dir, bool strong)
{
    return dir == WST_C2S || c > 2 || (c && strong);
}

/* The number is written as short as it can be, as everybody writes it. */
static bool shortest(size_t bytes, uint64_t value)
{
    return bytes == 1 || value >> (bytes == 2 ? 6 : bytes == 4 ? 14 : 30);
}

/* A WebSocket frame begins there. */
static enum wst_http3_found carried(struct wst_slice s, enum wst_dir dir, size_t *header,
                                    uint64_t *payload)
{
    if (s.n && !begins_any(s.p[0])) return WST_HTTP3_NONE;
    if (s.n < 2) return WST_HTTP3_PERHAPS;
    bool masked = s.p[1] & 0x80;
    uint64_t n = s.p[1] & 0x7f;
    size_t more = n == 126 ? 2 : n == 127 ? 8 : 0;
    if (masked != (dir == WST_C2S) || (s.p[0] >= 0x88 && s.p[0] <= 0x8a && more))
        return WST_HTTP3_NONE;
    if (s.n < 2 + more) return WST_HTTP3_PERHAPS;
    if (more) {
        n = more == 2 ? wst_be16(s.p + 2) : wst_be64(s.p + 2);
        if (n < (more == 2 ? 126 : 65536) || n >> 62) return WST_HTTP3_NONE;
    }
    *header = 2 + more + (masked ? 4 : 0);
    *payload = n;
    return WST_HTTP3_FOUND;
}

/* The header of DATA, of n bytes. */
static enum wst_http3_found data_header(struct wst_slice s, size_t *n, uint64_t *length)
{
    if (!s.n) return WST_HTTP3_PERHAPS;
    if (s.p[0] != WST_HTTP3_DATA) return WST_HTTP3_NONE;
    size_t size = wst_varint_read(s.p + 1, s.n - 1, length);
    if (!size) return WST_HTTP3_PERHAPS;
    *n = 1 + size;
    return shortest(size, *length) ? WST_HTTP3_FOUND : WST_HTTP3_NONE;
}

static enum wst_http3_found sought_one(struct wst_slice s, enum wst_dir dir, struct sought *one)
{
    size_t n, header, more;
    uint64_t length, payload, rest;
    enum wst_http3_found found = data_header(s, &n, &length);
    if (found != WST_HTTP3_FOUND) return found;
    s = wst_slice_skip(s, n);
    found = carried(s, dir, &header, &payload);
    if (found != WST_HTTP3_FOUND) return found;
    if (length == header + payload) {
        *one = (struct sought){n + length, s.p[0], payload >= 126};
        return WST_HTTP3_FOUND;
    }
    if (length != header) return WST_HTTP3_NONE;
    if (s.n < header) return WST_HTTP3_PERHAPS;
    found = data_header(wst_slice_skip(s, header), &more, &rest);
    if (found != WST_HTTP3_FOUND) return found;
    *one = (struct sought){n + header + more + rest, s.p[0], true};
    return rest == payload ? WST_HTTP3_FOUND : WST_HTTP3_NONE;
}

enum wst_http3_found wst_http3_sought(struct wst_slice s, enum wst_dir dir, bool last)
{
    struct sought first, second;
    enum wst_http3_found found = sought_one(s, dir, &first);
    if (found == WST_HTTP3_FOUND && !begins_one(first.begins, dir, first.strong))
        return WST_HTTP3_NONE;
    if (found == WST_HTTP3_FOUND && !first.strong) {
        if (s.n == first.whole && last) return WST_HTTP3_FOUND;
        found = s.n < first.whole
                    ? WST_HTTP3_PERHAPS
                    : sought_one(wst_slice_skip(s, (size_t)first.whole), dir, &second);
    }
    return found == WST_HTTP3_PERHAPS && last ? WST_HTTP3_NONE : found;
}
