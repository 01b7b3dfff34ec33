/* SPDX-License-Identifier: MIT
 *
 * Link types have two numbers: LINKTYPE_ in files, the same everywhere, and DLT_ inside libpcap,
 * which differs by operating system for a handful of old ones. We speak LINKTYPE_.
 */
#ifndef WST_CAPTURE_LINKTYPE_H
#define WST_CAPTURE_LINKTYPE_H

#include <stdint.h>

enum { WST_LINKTYPE_ETHERNET = 1 };

/* What libpcap calls `dlt`, as a file would. */
uint32_t wst_linktype_of_dlt(int dlt);
int wst_linktype_to_dlt(uint32_t link_type);
/* Some writers put a DLT_RAW of their system into files: 12 and 14 become 101. */
uint32_t wst_linktype_of_file(uint32_t link_type);
/* "EN10MB"; "LINKTYPE_4711" when libpcap knows no name. Written to `text`, which is returned. */
const char *wst_linktype_name(uint32_t link_type, char text[64]);

#endif
