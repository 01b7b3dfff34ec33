/* SPDX-License-Identifier: MIT */
#include "area.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "array.h"

/* Most runs need no more than the small regions: a large page would be a waste. */
enum { SMALL = 256 << 10, SMALL_REGIONS = 4 };

static bool region_new(struct wst_area *a)
{
    bool small = a->n < SMALL_REGIONS;
    size_t bytes = small ? SMALL : WST_AREA_REGION;
    if (a->n == a->room) {
        void *regions = wst_array_double(a->regions, &a->room, sizeof *a->regions, 16);
        if (!regions) return false;
        a->regions = regions;
    }
    void *region = aligned_alloc(small ? WST_AREA_GRAIN : WST_AREA_REGION, bytes);
    if (!region) return false;
#ifdef MADV_HUGEPAGE
    if (!small) (void)madvise(region, bytes, MADV_HUGEPAGE); /* only a wish */
#endif
    a->regions[a->n++] = a->cut = region;
    a->left = bytes;
    return true;
}

static void *area_cut(struct wst_area *a, size_t n)
{
    if (a->left < n && !region_new(a)) return NULL;
    void *chunk = a->cut;
    a->cut += n;
    a->left -= n;
    return chunk;
}

void *wst_area_take(struct wst_area *a, size_t n)
{
    if (a->gap_left < n) return area_cut(a, n);
    void *chunk = a->gap;
    a->gap += n;
    a->gap_left -= n;
    return chunk;
}

/* Regions begin and end at grains. */
static void area_align(struct wst_area *a)
{
    size_t past = (uintptr_t)a->cut % WST_AREA_GRAIN, gap = past ? WST_AREA_GRAIN - past : 0;
    if (gap > a->gap_left) {
        a->gap = a->cut;
        a->gap_left = gap;
    }
    a->cut += gap;
    a->left -= gap;
}

void *wst_area_grain(struct wst_area *a)
{
    if (a->given_n) return a->given[--a->given_n];
    if (a->grains == a->given_room) {
        void *given = wst_array_double(a->given, &a->given_room, sizeof *a->given, 16);
        if (!given) return NULL;
        a->given = given;
    }
    area_align(a);
    void *grain = area_cut(a, WST_AREA_GRAIN);
    if (grain) a->grains++;
    return grain;
}

/* The kernel puts a large page over a region that asks for one, though hardly anything is left in
 * it, and all of it is held again: who gives some of it back asks for none any more. */
static void region_small_pages(const struct wst_area *a, void *grain)
{
#ifdef MADV_NOHUGEPAGE
    unsigned char *large = (unsigned char *)grain - (uintptr_t)grain % WST_AREA_REGION;
    for (size_t i = 0; i < a->n && i < SMALL_REGIONS; i++)
        if ((uintptr_t)grain - (uintptr_t)a->regions[i] < SMALL) return;
    (void)madvise(large, WST_AREA_REGION, MADV_NOHUGEPAGE);
#else
    (void)a, (void)grain;
#endif
}

void wst_area_give(struct wst_area *a, void *grain)
{
    region_small_pages(a, grain);
#ifdef MADV_DONTNEED
    (void)madvise(grain, WST_AREA_GRAIN, MADV_DONTNEED);
#endif
    a->given[a->given_n++] = grain;
}

void wst_area_free(struct wst_area *a)
{
    for (size_t i = 0; i < a->n; i++) free(a->regions[i]);
    free(a->regions);
    free(a->given);
    *a = (struct wst_area){0};
}
