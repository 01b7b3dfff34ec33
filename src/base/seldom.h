/* SPDX-License-Identifier: MIT
 *
 * For what few packets need. Out of line it leaves the way of all the others short, and without
 * saved registers and a guarded stack frame.
 */
#ifndef WST_BASE_SELDOM_H
#define WST_BASE_SELDOM_H

#define WST_SELDOM __attribute__((cold, noinline))
/* The same for what is not so rare: optimised as everything else is. */
#define WST_APART __attribute__((noinline))

#endif
