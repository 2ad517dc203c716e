//! The one table of error codes: what each is called on the wire, its HTTP status, and the sentence it has by default.

use std::borrow::Cow;
use std::time::Duration;

use catalog::CatalogError;
use rpc::play_auth::TokenError;
use rpc::{ParamError, Refusal};

macro_rules! codes {
    ($($name:ident = $status:literal $wire:literal $message:literal;)*) => {
        /// An error code of the wire (contract §1.6 and the operations' own).
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Code { $(#[doc = $message] $name),* }

        impl Code {
            /// All codes, for documents and tests.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The code's name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $wire),* }
            }

            /// The HTTP status it is sent with.
            pub const fn status(self) -> u16 {
                match self { $(Code::$name => $status),* }
            }

            /// What it says when the operation has nothing more exact to say.
            pub const fn message(self) -> &'static str {
                match self { $(Code::$name => $message),* }
            }
        }
    };
}

codes! {
    // The gateway's.
    MissingParameter = 400 "MissingParameter" "A parameter that is mandatory for this request is not supplied.";
    InvalidParameter = 400 "InvalidParameter" "A parameter is not valid.";
    InvalidParameterFormat = 400 "InvalidParameter.Format" "A parameter has a wrong format.";
    InvalidAccessKeyInactive = 400 "InvalidAccessKeyId.Inactive" "The specified access key is disabled.";
    InvalidAccessKeyNotFound = 404 "InvalidAccessKeyId.NotFound" "The specified access key is not found.";
    SignatureDoesNotMatch = 400 "SignatureDoesNotMatch" "Specified signature is not matched with our calculation.";
    IncompleteSignature = 400 "IncompleteSignature" "The request signature does not conform to the standard.";
    InvalidSignatureMethod = 400 "InvalidSignatureMethod" "The signature method is not supported.";
    InvalidTimeStampFormat = 400 "InvalidTimeStamp.Format" "The time of signing has a wrong format.";
    InvalidTimeStampExpired = 400 "InvalidTimeStamp.Expired" "The time of signing is too far from the server's.";
    SignatureNonceUsed = 400 "SignatureNonceUsed" "The signature nonce was used already.";
    MissingSecurityToken = 400 "MissingSecurityToken" "The security token of the temporary access key is missing.";
    SecurityTokenMalformed = 400 "InvalidSecurityToken.Malformed" "The security token is malformed.";
    SecurityTokenExpired = 400 "InvalidSecurityToken.Expired" "The security token is expired.";
    ForbiddenRam = 403 "Forbidden.RAM" "The access key may not do this.";
    SecurityTokenMismatch = 400 "InvalidSecurityToken.MismatchWithAccessKey" "The security token does not belong to the access key.";
    ThrottlingUser = 400 "Throttling.User" "Too many requests. Try again later.";
    AccessKeyNotExist = 404 "EntityNotExist.User.AccessKey" "The access key does not exist.";
    AccessKeyLimitExceeded = 409 "LimitExceeded.User.AccessKey" "There are too many access keys.";
    EntityNotExistUser = 404 "EntityNotExist.User" "The user does not exist.";
    EntityAlreadyExistsUser = 409 "EntityAlreadyExists.User" "There is a user of this name.";
    LimitExceededUser = 409 "LimitExceeded.User" "There are too many users.";
    InvalidActionNotFound = 404 "InvalidAction.NotFound" "The specified action is not found.";
    InvalidVersion = 400 "InvalidVersion" "The specified version is not valid. 2016-11-01 is Live, 2017-03-21 is VOD.";
    UnsupportedHttpMethod = 400 "UnsupportedHTTPMethod" "Use GET or POST.";
    InternalError = 500 "InternalError" "The server failed to process the request. Its log has more, under the request id.";
    ServiceUnavailable = 503 "ServiceUnAvailable" "The server cannot process the request now. Try again later.";

    // Live.
    InvalidParam = 400 "InvalidParam" "A parameter is not valid.";
    InvalidDomainNameMalformed = 400 "InvalidDomainName.Malformed" "The specified domain name is malformed.";
    InvalidDomainNotFound = 404 "InvalidDomain.NotFound" "The domain does not exist.";
    DomainAlreadyExist = 400 "DomainAlreadyExist" "The domain exists already.";
    ConfigAlreadyExists = 400 "ConfigAlreadyExists" "The configuration exists already.";
    ConfigNotFound = 404 "ConfigNotFound" "The configuration does not exist.";
    InvalidNotifyUrlMalformed = 400 "InvalidNotifyUrl.Malformed" "The specified NotifyUrl is no http or https URL.";
    TaskAlreadyStarted = 400 "TaskAlreadyStarted" "The stream is recorded already.";
    TaskNotStarted = 400 "TaskNotStarted" "The stream is not recorded.";
    TaskNotStopped = 400 "TaskNotStopped" "The stream is recorded: stop it first.";
    InvalidStreamNotFound = 404 "InvalidStream.NotFound" "The stream does not exist.";

    // VOD.
    InvalidVideoNotFound = 404 "InvalidVideo.NotFound" "The video does not exist.";
    InvalidTemplateGroupNotFound = 404 "InvalidTranscodeTemplateGroup.NotFound" "The template group does not exist.";
    ForbiddenLockedTemplateGroup = 403 "Forbidden.LockedTemplateGroup" "The template group is locked: unlock it first.";
    ForbiddenSpecialTemplateGroup = 403 "Forbidden.SpecialTemplateGroup" "The template group is built in and cannot be changed.";
    ForbiddenDefaultTemplateGroup = 403 "Forbidden.DefaultTemplateGroup" "The template group is the default one: make another the default first.";
    // The name that it has where something is uploaded.
    InvalidTemplateGroupIdNotFound = 404 "InvalidTemplateGroupId.NotFound" "The template group does not exist.";
    InvalidFileNameExtension = 400 "InvalidFileName.Extension" "The name of the file has no extension.";
    InvalidUploadUrls = 400 "InvalidParameter.UploadURLs" "A URL of a file cannot be used.";
    // Sic.
    TemplateGroupExceededMax = 400 "TrasncodeTemplateGroupExceededMax" "There are 20 template groups already.";
    TemplateExceededMax = 400 "TranscodeTemplateExceededMax" "A template group has at most 20 templates.";
    WatermarkExceededMax = 400 "WatermarkExceededMax" "A template has at most 4 watermarks.";
    InvalidVideoNoneStream = 404 "InvalidVideo.NoneStream" "The video has no stream that matches the request.";
    InvalidFileNotFound = 404 "InvalidFile.NotFound" "The source file of the video does not exist.";
    ForbiddenIllegalStatus = 403 "Forbidden.IllegalStatus" "The status of the video does not allow this.";
    // The same word with another status, where a job is asked for (contract §7).
    ForbiddenIllegalStatusForJob = 400 "Forbidden.IllegalStatus" "The status of the video does not allow this.";
    NoSuchResource = 404 "NoSuchResource" "The resource does not exist.";
    VodTemplateExceededMax = 400 "VodTemplateExceededMax" "There are 20 templates already.";
    SessionRepeated = 400 "InvalidSessionId.Repeated" "A request with this SessionId was taken within the last seven days.";
    JobIdsExceededMax = 400 "JobIdsExceededMax" "There are more than 20 ids.";
    AppInfoExceededMax = 400 "AppInfoExceededMax" "There are 100 applications already.";
    InvalidCateIdNotFound = 404 "InvalidCateId.NotFound" "The category does not exist.";
    LevelExceededMax = 400 "LevelExceededMax" "Categories have at most three levels.";
    SubTotalExceededMax = 400 "SubTotalExceededMax" "There are 100 categories in this one already.";
    CountExceededMax = 400 "CountExceededMax" "There are more than 20 items.";
    ErrorMatchSyntax = 400 "ErrorMatchSyntax" "The Match cannot be read.";
    SortByExceededMax = 400 "SortByExceededMax" "SortBy names more than three fields.";
    InvalidScrollTokenExpired = 400 "InvalidScrollToken.Expired" "The ScrollToken has expired: begin with the first page again.";
    LengthExceededMax = 400 "LengthExceededMax" "A text is too long.";
    TagsExceededMax = 400 "TagsExceededMax" "There are too many tags, or one is too long.";
    IllegalCharacters = 400 "IllegalCharacters" "A text has characters that are not allowed.";
    VideoIdsExceededMax = 400 "VideoIdsExceededMax" "There are more than 20 ids.";
    VideoListExceededMax = 400 "VideoListExceededMax" "Only the first 5000 videos of a list can be reached.";
    InvalidObjectPathMalformed = 400 "InvalidObjectPath.Malformed" "A URL in ObjectPath cannot be meant.";
    QuotaExceededRefresh = 400 "QuotaExceeded.Refresh" "That is more than may still be refreshed today.";
    QuotaExceededPreload = 400 "QuotaExceeded.Preload" "That is more than may still be preloaded today.";
}

/// A code and what to say with it. The operator's side of an internal error is logged where it is made.
#[derive(Clone, PartialEq, Debug)]
pub struct ApiError {
    /// The code.
    pub code: Code,
    /// A sentence for the caller.
    pub message: Cow<'static, str>,
    /// When it is worth to try again, if that is known.
    pub retry_after: Option<Duration>,
}

/// What an operation answers.
pub type Answer<T> = Result<T, ApiError>;

impl Code {
    /// The code with a sentence of its own.
    pub fn because(self, message: impl Into<String>) -> ApiError {
        ApiError { code: self, message: Cow::Owned(message.into()), retry_after: None }
    }
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self { code, message: Cow::Borrowed(code.message()), retry_after: None }
    }
}

impl From<ParamError> for ApiError {
    fn from(error: ParamError) -> Self {
        let code = match error {
            ParamError::Missing { .. } => Code::MissingParameter,
            ParamError::Invalid { .. } => Code::InvalidParameter,
        };
        code.because(error.to_string())
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let code = match &refusal {
            Refusal::Param(error) => return error.clone().into(),
            Refusal::Method { .. } => Code::UnsupportedHttpMethod,
            Refusal::TooLarge { .. } | Refusal::Repeated { .. } => Code::InvalidParameter,
            Refusal::NotUtf8 => Code::InvalidParameterFormat,
            Refusal::IncompleteSignature { .. } => Code::IncompleteSignature,
            Refusal::SignatureMethod { .. } => Code::InvalidSignatureMethod,
            Refusal::TimestampFormat { .. } => Code::InvalidTimeStampFormat,
            Refusal::TimestampExpired { .. } => Code::InvalidTimeStampExpired,
            Refusal::SignatureMismatch { .. } => Code::SignatureDoesNotMatch,
            Refusal::Token(TokenError::Missing) => Code::MissingSecurityToken,
            Refusal::Token(TokenError::Malformed) => Code::SecurityTokenMalformed,
            Refusal::Token(TokenError::Mismatch) => Code::SecurityTokenMismatch,
            Refusal::Token(TokenError::Expired) => Code::SecurityTokenExpired,
        };
        code.because(refusal.to_string())
    }
}

/// An error with all its causes, for the operator.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl From<CatalogError> for ApiError {
    /// For failures that no operation expects; what one does expect (a row that is not there) it turns into its own code
    /// before.
    fn from(error: CatalogError) -> Self {
        let transient = error.is_transient();
        let error = chain(&error);
        if transient {
            tracing::warn!(error, "the catalog did not answer an API call");
            Code::ServiceUnavailable.into()
        } else {
            tracing::error!(error, "an API call failed in the catalog");
            Code::InternalError.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_stands_in_the_table_twice() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| (code.as_str(), code.status())).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
