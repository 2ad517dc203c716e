//! Segments, fragments, the index; spans and cuts: what is stored and what an asset is made of.
