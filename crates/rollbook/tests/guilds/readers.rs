//! Both ways of reading a community, over the same site.
