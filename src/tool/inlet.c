/* SPDX-License-Identifier: MIT
 *
 * In: names. Out: numbers for a broker, who alone knows the names later.
 * Refuses to write over what is read.
 */
#include "inlet.h"

#include "broker.h"
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool wst_tool_inlet_begin(struct wst_tool_inlet *in, const char *filter,
                          const struct wst_tool_key_options *keys, size_t readable, size_t replaced)
{
    size_t keys_n = WST_TOOL_KEYS_NAMES(keys);

    *in = (struct wst_tool_inlet){.source = {.filter = filter, .keys = keys}};
    in->readable = calloc(keys_n + readable, sizeof *in->readable);
    in->replaced = calloc(replaced + 1, sizeof *in->replaced);
    if (in->readable == NULL || in->replaced == NULL) return false;
    in->readable_n = wst_tool_keys_names(keys, in->readable);
    return true;
}

size_t wst_tool_inlet_readable(struct wst_tool_inlet *in, const char *name)
{
    in->readable[in->readable_n] = name;
    return in->readable_n++;
}

size_t wst_tool_inlet_replaced(struct wst_tool_inlet *in, const char *name)
{
    in->replaced[in->replaced_n] = name;
    return in->replaced_n++;
}

bool wst_tool_inlet_crossed(const struct wst_tool_inlet *in, const char *output,
                            const char *const *captures, size_t captures_n,
                            struct wst_tool_trouble *trouble)
{
    struct stat st;
    bool same;

    if (stat(output, &st) != 0) return false;
    same = wst_tool_output_is_input(&st, in->readable, in->readable_n);
    for (size_t i = 0; i < captures_n && !same; i++)
        same = captures[i] && wst_tool_output_is_input(&st, &captures[i], 1);
    if (same)
        wst_tool_trouble_add(trouble, "%s: is input and output at once; nothing was written",
                             output);
    return same;
}

bool wst_tool_inlet_serve(struct wst_tool_inlet *in, const char *owner,
                          struct wst_tool_trouble *trouble)
{
    struct wst_tool_brokered files = {.owner = owner,
                                      .readable = in->readable,
                                      .readable_n = in->readable_n,
                                      .replaced = in->replaced,
                                      .replaced_n = in->replaced_n};

    in->source.broker = wst_tool_broker_start(&files);
    if (in->source.broker) return true;
    wst_tool_trouble_add(trouble, "cannot start another process: %s", strerror(errno));
    return false;
}

void wst_tool_inlet_end(struct wst_tool_inlet *in)
{
    wst_tool_broker_end(in->source.broker);
    free(in->readable);
    free(in->replaced);
    *in = (struct wst_tool_inlet){0};
}
