/* SPDX-License-Identifier: MIT */
#include "area.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "array.h"

enum { LINE = 64, SMALL = 1 << 20 };

static void *region_new(struct wst_area *a, size_t alignment, size_t n)
{
    if (a->n == a->room) {
        void *regions = wst_array_double(a->regions, &a->room, sizeof *a->regions, 16);
        if (!regions) return NULL;
        a->regions = regions;
    }
    void *region = aligned_alloc(alignment, n);
    if (region) a->regions[a->n++] = region;
    return region;
}

static void *region_large(struct wst_area *a)
{
    void *region = region_new(a, WST_AREA_REGION, WST_AREA_REGION);
#ifdef MADV_HUGEPAGE
    if (region) (void)madvise(region, WST_AREA_REGION, MADV_HUGEPAGE); /* only a wish */
#endif
    return region;
}

void *wst_area_take(struct wst_area *a, size_t n)
{
    void *chunk;
    if (a->taken < SMALL) {
        chunk = region_new(a, LINE, n); /* most runs need no more: a large page would be a waste */
    } else {
        if (a->left < n) {
            a->cut = region_large(a);
            a->left = a->cut ? WST_AREA_REGION : 0;
        }
        chunk = a->cut;
        if (chunk) {
            a->cut += n;
            a->left -= n;
        }
    }
    if (chunk) a->taken += n;
    return chunk;
}

void wst_area_free(struct wst_area *a)
{
    for (size_t i = 0; i < a->n; i++) free(a->regions[i]);
    free(a->regions);
    *a = (struct wst_area){0};
}
