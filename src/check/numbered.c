/* SPDX-License-Identifier: MIT
 *
 * In: the JSON of a message, and what stands before it. Out: whose number it has.
 * Refuses all but JSON-RPC 2.0 and Socket.IO 5.
 */
#include "numbered.h"

#include "hash.h"

enum { JSON_RPC = 2, SOCKET_IO }; /* so that their names differ */

/* "jsonrpc" marks it, a request has a "method", and its response the same "id". */
static struct wst_numbered json_rpc(const struct wst_tape *tape, struct wst_slice json)
{
    struct wst_numbered numbered = {.id = 0};
    struct wst_slice id = {NULL, 0};
    bool rpc = false;

    for (uint32_t i = 1; i < tape->n; i = tape->nodes[i].next) {
        struct wst_slice key = wst_tape_key(json, &tape->nodes[i]);
        if (wst_slice_is(key, "jsonrpc")) rpc = true;
        if (wst_slice_is(key, "method")) numbered.asks = true;
        if (wst_slice_is(key, "id") && tape->nodes[i].kind >= WST_TAPE_STRING)
            id = wst_tape_bytes(json, &tape->nodes[i]);
    }
    if (!rpc || id.p == NULL) return (struct wst_numbered){.id = 0};
    numbered.name = id;
    numbered.id = wst_hash_bytes(JSON_RPC, id) | 1;
    return numbered;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Socket.IO 5 in Engine.IO 4: what stands before the JSON array.
 *
 *     4  2    [/namespace,]  17     an event that wants an acknowledgement, and its number
 *     4  51-  [/namespace,]  17     one with a binary message, which comes behind it
 *     4  3    [/namespace,]  17     the acknowledgement; 46n- with n binary messages
 *
 * The name is the namespace and the number. */
static struct wst_numbered socket_io(struct wst_slice prefix)
{
    enum { BINARY_MAX = 1 << 20 };
    uint8_t type = prefix.n > 2 && prefix.p[0] == '4' ? prefix.p[1] : 0;
    struct wst_numbered numbered = {.name = wst_slice_skip(prefix, 2)};
    struct wst_slice *name = &numbered.name;
    size_t n;

    if (type < '2' || type > '6' || type == '4') return (struct wst_numbered){.id = 0};
    if (type >= '5') {
        for (; name->n && is_digit(name->p[0]); *name = wst_slice_skip(*name, 1))
            if (numbered.binary < BINARY_MAX)
                numbered.binary = numbered.binary * 10 + (name->p[0] - '0');
        *name = wst_slice_skip(*name, name->n && name->p[0] == '-' ? 1 : name->n);
    }
    n = name->n;
    while (n > 0 && is_digit(name->p[n - 1])) n--;
    if (n == name->n || (n > 0 && (name->p[0] != '/' || name->p[n - 1] != ',')))
        return (struct wst_numbered){.id = 0};
    numbered.asks = type == '2' || type == '5';
    numbered.id = wst_hash_bytes(SOCKET_IO, *name) | 1;
    return numbered;
}

struct wst_numbered wst_numbered_of(struct wst_slice payload, const struct wst_tape *tape,
                                    struct wst_slice json)
{
    if (tape->n && tape->nodes[0].kind == WST_TAPE_OBJECT) return json_rpc(tape, json);
    if (tape->n && tape->nodes[0].kind == WST_TAPE_ARRAY)
        return socket_io(wst_slice_head(payload, (size_t)(json.p - payload.p)));
    return (struct wst_numbered){.id = 0};
}
