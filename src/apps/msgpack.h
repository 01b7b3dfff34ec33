/* SPDX-License-Identifier: MIT
 *
 * In: MessagePack (github.com/msgpack/msgpack/blob/master/spec.md). Out: its values one by one, and
 * a value as JSON.
 * Refuses what is cut off, the byte 0xc1, and, as JSON, what is deeper than WST_MSGPACK_DEPTH.
 */
#ifndef WST_APPS_MSGPACK_H
#define WST_APPS_MSGPACK_H

#include "say.h"

enum { WST_MSGPACK_DEPTH = 64 }; /* of arrays and maps, as JSON */

enum wst_msgpack_kind {
    WST_MSGPACK_NIL,
    WST_MSGPACK_FLAG,
    WST_MSGPACK_NUMBER,
    WST_MSGPACK_FLOAT,
    WST_MSGPACK_TEXT,
    WST_MSGPACK_BYTES,
    WST_MSGPACK_EXTENSION,
    WST_MSGPACK_ARRAY,
    WST_MSGPACK_MAP
};

struct wst_msgpack {
    enum wst_msgpack_kind kind;
    bool negative;   /* of a number: it is (int64_t)number */
    bool single;     /* of a float: it was sent in four bytes */
    int8_t type;     /* of an extension */
    uint64_t number; /* of a flag 0 or 1; the elements of an array, the pairs of a map */
    double real;
    struct wst_slice bytes; /* of text, bytes and extensions */
};

/* One value off the front of `s`; of an array or map its head alone, the elements come next. False:
 * it is none, and `s` as it was. */
bool wst_msgpack_next(struct wst_slice *s, struct wst_msgpack *value);
/* One value with all that is inside it; null: it is not whole, or none, and `s` as it was. */
struct wst_slice wst_msgpack_whole(struct wst_slice *s);

/* A whole value as JSON, in the scratch of what is said; null: there is no room, it is too deep, or
 * the key of a map is neither text nor a number. What JSON has no words for becomes an object:
 * {"b64":"…"} for bytes and text that is not UTF-8, {"ext":5,"b64":"…"}, {"float":"NaN"}. */
struct wst_slice wst_msgpack_json(struct wst_say *say, struct wst_slice value);

#endif
