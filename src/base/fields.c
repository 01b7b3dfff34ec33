/* SPDX-License-Identifier: MIT
 *
 * Each field: the lengths of its name and of its value, then both.
 */
#include "fields.h"

struct field {
    uint32_t name, value;
};

bool wst_fields_put(struct wst_buf *fields, struct wst_budget *budget, struct wst_slice name,
                    struct wst_slice value, size_t cap)
{
    struct field f = {(uint32_t)name.n, (uint32_t)value.n};
    if (name.n > UINT32_MAX || value.n > UINT32_MAX || name.n > cap || value.n > cap ||
        !wst_buf_reserve(fields, budget, sizeof f + name.n + value.n, cap))
        return false;
    return wst_buf_append(fields, budget, wst_slice_of(&f, sizeof f), cap) &&
           wst_buf_append(fields, budget, name, cap) && wst_buf_append(fields, budget, value, cap);
}

bool wst_fields_next(struct wst_slice *fields, struct wst_header *field)
{
    struct field f;
    if (fields->n < sizeof f) return false;
    memcpy(&f, fields->p, sizeof f);
    *fields = wst_slice_skip(*fields, sizeof f);
    field->name = wst_slice_head(*fields, f.name);
    *fields = wst_slice_skip(*fields, f.name);
    field->value = wst_slice_head(*fields, f.value);
    *fields = wst_slice_skip(*fields, f.value);
    return true;
}

struct wst_slice wst_fields_named(struct wst_slice fields, const char *name)
{
    struct wst_header f;
    while (wst_fields_next(&fields, &f))
        if (wst_slice_is(f.name, name)) return f.value;
    return (struct wst_slice){NULL, 0};
}
