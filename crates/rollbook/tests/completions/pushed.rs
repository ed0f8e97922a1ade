//! Way (c): a signed event wakes a check of the person and course that it names, and proves nothing by itself.
