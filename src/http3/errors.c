/* SPDX-License-Identifier: MIT */
#include "codes.h"
#include "http3.h"

void wst_http3_error(uint64_t code, char *to, size_t room)
{
    static const struct wst_code rows[] = {
#define WST_HTTP3_ERROR(value, name, words) {value, name, words},
#include "errors.def"
#undef WST_HTTP3_ERROR
    };
    wst_code_put(to, room, rows, sizeof rows / sizeof *rows, code);
}
