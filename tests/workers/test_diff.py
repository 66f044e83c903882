from __future__ import annotations

from workers.diff import lines_at_head

PATCH = """@@ -1,3 +1,4 @@ int first;
 one
-two
+2
+two and a half\r
 three
@@ -20 +21,0 @@
-gone
@@ -30,2 +30,2 @@
 @@ -1 +1 @@
-old
+new
\\ No newline at end of file"""


def test_lines_of_the_head_are_numbered_and_those_of_the_base_left_out() -> None:
    assert lines_at_head(PATCH) == {
        1: "one",
        2: "2",
        3: "two and a half",
        4: "three",
        30: "@@ -1 +1 @@",
        31: "new",
    }


def test_a_file_that_is_removed_has_none() -> None:
    assert lines_at_head("@@ -1,2 +0,0 @@\n-one\n-two") == {}
