//! Pictures of the library: covers, watermarks and whatever else is shown with videos.

use catalog::LibraryFile;
use domain::event::FileKind;
use rpc::ParamError;
use rpc::param::{CommaList, Filled, Int, Json, Raw};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use units::AssetId;

use super::library_files::{
    Asked, IDS_MAX, Image, begin, delete_all, file_url, find, find_all, image, names, update_all,
};
use super::videos::Update;
use crate::codes::{Answer, ApiError, Code};
use crate::declare::{Done, choice, operations};
use crate::state::Context;
use crate::wire::{AuthTimeout, IdText, own_path, with_auth_timeout};

/// Most ids that are read before they are refused with the code of their own.
const IDS_READ_MAX: usize = 1_000;

choice! {
    /// What a picture is for.
    ImageType {
        /// Whatever its customer likes.
        Default = "default",
        /// To stand for a video.
        Cover = "cover",
        /// To be laid over videos.
        Watermark = "watermark",
    }
}

choice! {
    /// What a picture is.
    ImageExt {
        /// PNG.
        Png = "png",
        /// JPEG.
        Jpg = "jpg",
        /// JPEG.
        Jpeg = "jpeg",
        /// GIF.
        Gif = "gif",
    }
}

/// What names of pictures end with.
const EXTENSIONS: [&str; 4] =
    [ImageExt::Png.as_str(), ImageExt::Jpg.as_str(), ImageExt::Jpeg.as_str(), ImageExt::Gif.as_str()];

choice! {
    /// How the pictures that are deleted are named.
    DeleteBy {
        /// By their ids.
        Id = "ImageId",
        /// By their URLs.
        Url = "ImageURL",
        /// By the video that they were taken of.
        Video = "VideoId",
    }
}

operations! {
    /// Makes a picture that its client sends, and tells where to and with which key. The key holds for 3000 s. A picture has at most 20 MiB.
    Vod T3 CreateUploadImage => create_upload_image {
        /// What it is for.
        ImageType => purpose: ImageType,
        /// What it is; what OriginalFileName ends with when absent, or else `png`.
        ImageExt => extension: Option<ImageExt>,
        /// How its owner calls it.
        OriginalFileName => file_name: Option<Filled<256>>,
        /// At most 128 bytes; the name of the file when absent.
        Title => title: Option<Raw>,
        /// At most 1024 bytes.
        Description => description: Option<Raw>,
        /// At most 16 of at most 32 bytes each, joined by commas.
        Tags => tags: Option<Raw>,
        /// The category.
        CateId => category: Option<Int>,
        /// Told back.
        UserData => user_data: Option<Filled<1024>>,
    }

    /// Tells all about a picture.
    Vod T3 GetImageInfo => get_image_info {
        /// The picture.
        ImageId => id: IdText,
        /// How many seconds its URLs live, where the domain has URL authentication on; absent: as long as the domain says.
        AuthTimeout => auth_timeout: Option<AuthTimeout>,
    }

    /// Tells all about at most 20 pictures, and which of the ids are nobody's.
    Vod T3 GetImageInfos => get_image_infos {
        /// The pictures, joined by commas.
        ImageIds => ids: CommaList<IdText, IDS_READ_MAX>,
        /// How many seconds their URLs live, where the domain has URL authentication on; absent: as long as the domain says.
        AuthTimeout => auth_timeout: Option<AuthTimeout>,
    }

    /// Writes on at most 20 pictures, all or none. What is absent stays as it is.
    Vod T3 UpdateImageInfos => update_image_infos {
        /// JSON: an array of objects with ImageId, and Title, Description, Tags, CateId.
        UpdateContent => updates: Json<Vec<ImageUpdate>>,
    }

    /// Deletes at most 20 pictures; they do not come back. Ids and URLs that are nobody's are left alone.
    Vod T3 DeleteImage => delete_image {
        /// How they are named: `ImageId` or `ImageURL`. Pictures of a video go with it.
        DeleteImageType => by: DeleteBy,
        /// The pictures, joined by commas.
        ImageIds => ids: Option<CommaList<IdText, IDS_READ_MAX>>,
        /// Their URLs, joined by commas; each may be URL-encoded.
        ImageURLs => urls: Option<CommaList<Filled<2048>, IDS_READ_MAX>>,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Begun {
    #[serde(rename = "FileURL")]
    file_url: String,
    image_id: AssetId,
    #[serde(rename = "ImageURL")]
    image_url: String,
    upload_address: String,
    upload_auth: String,
}

async fn create_upload_image(context: &Context, input: CreateUploadImage) -> Answer<Begun> {
    let asked = Asked {
        kind: FileKind::Image,
        purpose: input.purpose.as_str(),
        extension: input.extension.map(|extension| extension.as_str().to_owned()),
        file_name: input.file_name,
        title: input.title,
        description: input.description,
        tags: input.tags,
        category: input.category,
        user_data: input.user_data,
    };
    let ends = |name: &String| name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let named = asked.file_name.as_ref().filter(|_| asked.extension.is_none()).and_then(ends);
    if let Some(extension) = named.filter(|extension| !EXTENSIONS.contains(&extension.as_str())) {
        let message = format!("Pictures are png, jpg, jpeg or gif, not {extension:?}.");
        return Err(Code::InvalidFileNameExtension.because(message));
    }
    let (file, permit) = begin(context, asked, Some("png")).await?;
    Ok(Begun {
        file_url: file_url(context, &file),
        image_url: file_url(context, &file),
        image_id: file.id,
        upload_address: permit.upload_address,
        upload_auth: permit.upload_auth,
    })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Info {
    #[serde(flatten)]
    image: Image,
    image_type: String,
    mezzanine: Mezzanine,
}

/// The file itself. Its size is text.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Mezzanine {
    file_size: String,
    #[serde(rename = "FileURL")]
    file_url: String,
    height: u32,
    original_file_name: String,
    width: u32,
}

async fn infos(context: &Context, files: Vec<LibraryFile>) -> Answer<Vec<Info>> {
    let names = names(context, &files).await?;
    let info = |file: LibraryFile| Info {
        image: image(context, &names, &file).by_id(),
        mezzanine: Mezzanine {
            file_size: file.size_bytes.to_string(),
            file_url: file_url(context, &file),
            height: file.height,
            original_file_name: file.file_name,
            width: file.width,
        },
        image_type: file.purpose,
    };
    Ok(files.into_iter().map(info).collect())
}

fn unknown() -> ApiError {
    Code::NoSuchResource.because("The image does not exist.")
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    image_info: Info,
}

async fn get_image_info(context: &Context, input: GetImageInfo) -> Answer<Told> {
    let context = &with_auth_timeout(context, input.auth_timeout);
    let file = find(context, FileKind::Image, &input.id).await?.ok_or_else(unknown)?;
    let image_info = infos(context, vec![file]).await?.pop().ok_or_else(unknown)?;
    Ok(Told { image_info })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct ToldAll {
    image_info: Vec<Info>,
    non_exist_image_ids: Vec<String>,
}

async fn get_image_infos(context: &Context, input: GetImageInfos) -> Answer<ToldAll> {
    let context = &with_auth_timeout(context, input.auth_timeout);
    let (found, non_exist_image_ids) = find_all(context, FileKind::Image, input.ids).await?;
    Ok(ToldAll { image_info: infos(context, found).await?, non_exist_image_ids })
}

/// What is written on one picture.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ImageUpdate {
    image_id: String,
    title: Option<String>,
    description: Option<String>,
    tags: Option<String>,
    /// A number, or its digits.
    cate_id: Value,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Updated {
    non_exist_image_ids: Vec<String>,
}

async fn update_image_infos(context: &Context, input: UpdateImageInfos) -> Answer<Updated> {
    let updates = input.updates.into_iter().map(|one| {
        let ImageUpdate { image_id, title, description, tags, cate_id } = one;
        (image_id, Update { title, description, tags, cate_id, ..Update::default() })
    });
    Ok(Updated { non_exist_image_ids: update_all(context, FileKind::Image, updates.collect()).await? })
}

async fn delete_image(context: &Context, input: DeleteImage) -> Answer<Done> {
    let ids = match input.by {
        DeleteBy::Id => input.ids.ok_or_else(|| ParamError::missing("ImageIds"))?,
        DeleteBy::Url => {
            let urls = input.urls.ok_or_else(|| ParamError::missing("ImageURLs"))?;
            if urls.len() > IDS_MAX {
                return Err(Code::CountExceededMax.into());
            }
            urls.iter().filter_map(|url| id_of(context, url)).collect()
        }
        DeleteBy::Video => {
            let why = "ImageId or ImageURL is wanted: the pictures that were taken of a video go with it";
            return Err(ParamError::invalid("DeleteImageType", why).into());
        }
    };
    let (found, _) = find_all(context, FileKind::Image, ids).await?;
    delete_all(context, &found).await?;
    Ok(Done {})
}

/// The id in the URL of a picture, as it is or encoded as a whole.
fn id_of(context: &Context, url: &str) -> Option<String> {
    let url = if url.contains("://") { url.to_owned() } else { rpc::percent_decoded(url) };
    own_path(context, &url).map(|(id, _)| id.to_string())
}
