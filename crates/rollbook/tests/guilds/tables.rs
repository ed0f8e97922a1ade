//! The tables of a community, as Drupal has them.
