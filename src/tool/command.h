/* SPDX-License-Identifier: MIT
 *
 * What main's table is made of, and the functions in it.
 */
#ifndef WST_TOOL_COMMAND_H
#define WST_TOOL_COMMAND_H

struct wst_tool_command {
    const char *name;
    const char *usage; /* what follows "wstrace" */
    const char *what;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit status */
};

int wst_tool_trace(int argc, char **argv);
/* The same, refusing whatever else is to be read than the file that is the last word. */
int wst_tool_trace_lesson(int argc, char **argv);
int wst_tool_lint(int argc, char **argv);
int wst_tool_report(int argc, char **argv);
int wst_tool_har(int argc, char **argv);
int wst_tool_extract(int argc, char **argv);
int wst_tool_top(int argc, char **argv);
int wst_tool_problems(int argc, char **argv);
int wst_tool_explain(int argc, char **argv);
int wst_tool_snapshot(int argc, char **argv);
int wst_tool_check(int argc, char **argv);
int wst_tool_diff(int argc, char **argv);
int wst_tool_replay(int argc, char **argv);
int wst_tool_quiz(int argc, char **argv);
int wst_tool_demo(int argc, char **argv);

/* The version on standard output. Returns the exit status. */
int wst_tool_version(void);

/* Everything in one screen on standard output, from the tables. Returns the exit status. */
int wst_tool_help(void);
int wst_tool_lint_help(void);

#endif
