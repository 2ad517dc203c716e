//! FLV tags and CMAF fragments: bytes to boxes, tags and samples, and back.
