/* SPDX-License-Identifier: MIT
 *
 * In: the interfaces of this machine. Out: the list of -D; the name behind a number.
 * Refuses nothing; names are made safe before they are shown.
 */
#ifndef WST_TOOL_DEVICES_H
#define WST_TOOL_DEVICES_H

enum { WST_TOOL_DEVICE_SIZE = 256 };

/* -D. Returns the exit status. */
int wst_tool_devices_list(void);

/* -L, of one interface (name or number; NULL: the first). Returns the exit status. */
int wst_tool_devices_link_types(const char *device);

/* `word` of digits only: the name of the interface that the list gives this number, in `name`.
 * Anything else, and a number that the list does not have: `word` itself. */
const char *wst_tool_devices_name(const char *word, char name[WST_TOOL_DEVICE_SIZE]);

#endif
