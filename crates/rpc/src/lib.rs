//! The Alibaba Cloud wire: canonical string, signature, parameters, JSON bodies, error codes, callback signatures.
