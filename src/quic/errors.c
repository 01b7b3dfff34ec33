/* SPDX-License-Identifier: MIT */
#include "codes.h"
#include "quic.h"

void wst_quic_error(uint64_t code, char *to, size_t room)
{
    static const struct wst_code rows[] = {
#define WST_QUIC_ERROR(value, name, words) {value, name, words},
#include "errors.def"
#undef WST_QUIC_ERROR
    };
    wst_code_put(to, room, rows, sizeof rows / sizeof *rows, code);
}
