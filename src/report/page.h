/* SPDX-License-Identifier: MIT
 *
 * The page, made by embed.cmake from page.html, *.css and *.js: what stands before the data, and
 * what stands behind.
 */
#ifndef WST_REPORT_PAGE_H
#define WST_REPORT_PAGE_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t wst_report_head[], wst_report_tail[];
extern const size_t wst_report_head_n, wst_report_tail_n; /* bytes */

#endif
