//! Following transcode tasks and their outputs.

use std::collections::BTreeMap;

use catalog::{
    Asset, Output, OutputState, Page, PictureCause, PictureJob, PictureState, TaskCause, TaskState, TranscodeTask,
};
use encode::PictureOrder;
use rpc::ParamError;
use rpc::definition::definition;
use rpc::failure::{BAD_CONTENT, CANCELLED, CANCELLED_MESSAGE};
use rpc::param::{CommaList, Int, Time};
use schemars::JsonSchema;
use serde::Serialize;
use units::{AssetId, JobId, MediaTime, WallTime};

use super::tracks::{audio_streams, video_streams};
use super::videos::{end_of_second, find};
use crate::codes::{Answer, Code};
use crate::declare::{choice, operations};
use crate::state::Context;
use crate::wire::{IdText, PageNumber, asset_url, decimal, output_url, page};

/// Most outputs, and most videos, of one call.
const IDS_MAX: usize = 10;
/// Most ids that are read before they are refused with the code of their own.
const IDS_READ_MAX: usize = 1_000;

choice! {
    /// Which jobs are meant.
    JobType {
        /// Outputs of transcode tasks.
        Transcode = "Transcode",
        /// Snapshots.
        Snapshot = "Snapshot",
        /// AI jobs.
        Ai = "AI",
        /// Workflows.
        Workflow = "Workflow",
    }
}

operations! {
    /// Tells a transcode task with its outputs, or outputs alone.
    Vod T1 GetTranscodeTask => get_transcode_task {
        /// The task.
        TranscodeTaskId => task: Option<IdText>,
        /// At most ten outputs instead, joined by commas.
        JobIds => jobs: Option<CommaList<IdText, IDS_READ_MAX>>,
    }

    /// Lists the transcode tasks of a video, newest first.
    Vod T1 ListTranscodeTask => list_transcode_task {
        /// The video.
        VideoId => video_id: IdText,
        /// Made at or after.
        StartTime => start_time: Option<Time>,
        /// Made at or before.
        EndTime => end_time: Option<Time>,
        /// Which page.
        PageNo => page_no: PageNumber = 1,
        /// Tasks on a page.
        PageSize => page_size: Int<1, 50> = 10,
    }

    /// Tells the newest transcode task of each of at most ten videos, in short. A video without a task is left out.
    Vod T1 GetTranscodeSummary => get_transcode_summary {
        /// The videos, joined by commas.
        VideoIds => video_ids: CommaList<IdText, IDS_READ_MAX>,
    }

    /// Tells one job.
    Vod T3 GetJobDetail => get_job_detail {
        /// The job.
        JobId => job: IdText,
        /// What it is.
        JobType => kind: JobType,
    }

    /// Lists the jobs of a video, newest first.
    Vod T3 ListJobInfo => list_job_info {
        /// The video.
        MediaId => video_id: IdText,
        /// Which jobs.
        JobType => kind: JobType,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    transcode_task: Option<TaskTold>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcode_job_info_list: Option<Vec<JobTold>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    non_exist_job_ids: Option<Vec<String>>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct TaskTold {
    #[serde(flatten)]
    head: TaskHead,
    transcode_job_info_list: Vec<JobTold>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct TaskHead {
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_time: Option<String>,
    creation_time: String,
    task_status: &'static str,
    transcode_task_id: JobId,
    transcode_template_group_id: String,
    trigger: &'static str,
    video_id: AssetId,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct JobTold {
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_time: Option<String>,
    creation_time: String,
    /// The template's label, not the definition of the stream.
    definition: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    input_file_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_file: Option<OutputFile>,
    priority: String,
    transcode_job_id: JobId,
    transcode_job_status: &'static str,
    transcode_progress: u32,
    transcode_template_id: String,
}

/// Numbers are text here, but for the size.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct OutputFile {
    /// JSON as text.
    audio_stream_list: String,
    bitrate: String,
    duration: String,
    /// JSON as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption: Option<String>,
    filesize: u64,
    format: &'static str,
    fps: String,
    height: String,
    output_file_url: String,
    /// JSON as text.
    video_stream_list: String,
    watermark_id_list: Vec<String>,
    width: String,
}

async fn get_transcode_task(context: &Context, input: GetTranscodeTask) -> Answer<Told> {
    match (input.task, input.jobs) {
        (Some(id), _) => one_task(context, &id).await,
        (None, Some(ids)) => some_jobs(context, ids).await,
        (None, None) => Err(ParamError::missing("TranscodeTaskId").into()),
    }
}

/// A task and its video; those of a deleted video are gone with it.
async fn task_of(context: &Context, id: JobId) -> Answer<Option<(TranscodeTask, Asset)>> {
    let Some(task) = context.catalog.transcode_task(id).await? else { return Ok(None) };
    Ok(context.catalog.asset(task.asset).await?.map(|asset| (task, asset)))
}

async fn one_task(context: &Context, id: &str) -> Answer<Told> {
    let id = id.parse().map_err(|_| Code::NoSuchResource)?;
    let (task, _) = task_of(context, id).await?.ok_or(Code::NoSuchResource)?;
    let outputs = context.catalog.outputs_of_task(id).await?;
    let progress = progress_of(context, &outputs).await?;
    let transcode_job_info_list = outputs.iter().map(|output| job_told(context, &task, output, &progress)).collect();
    let transcode_task = TaskTold { head: head(&task, &outputs), transcode_job_info_list };
    Ok(Told { transcode_task: Some(transcode_task), transcode_job_info_list: None, non_exist_job_ids: None })
}

async fn some_jobs(context: &Context, ids: Vec<String>) -> Answer<Told> {
    if ids.len() > IDS_MAX {
        return Err(Code::JobIdsExceededMax.because("There are more than 10 ids."));
    }
    let wanted: Vec<JobId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let outputs = context.catalog.outputs_by_id(&wanted).await?;
    let progress = progress_of(context, &outputs).await?;
    let mut told = Vec::with_capacity(outputs.len());
    for output in &outputs {
        if let Some((task, _)) = task_of(context, output.task).await? {
            told.push(job_told(context, &task, output, &progress));
        }
    }
    let unknown = |id: &String| !told.iter().any(|job| id.parse() == Ok(job.transcode_job_id));
    let non_exist = ids.into_iter().filter(unknown).collect();
    Ok(Told { transcode_task: None, transcode_job_info_list: Some(told), non_exist_job_ids: Some(non_exist) })
}

/// How far each output is, in percent.
async fn progress_of(context: &Context, outputs: &[Output]) -> Answer<BTreeMap<JobId, u32>> {
    let open: Vec<JobId> =
        outputs.iter().filter(|output| output.state == OutputState::Running).map(|output| output.id).collect();
    let made = if open.is_empty() { BTreeMap::new() } else { context.catalog.output_progress(&open).await? };
    let one = |output: &Output| {
        let percent = match output.state {
            OutputState::Running => made.get(&output.id).copied().unwrap_or_default(),
            OutputState::Failed | OutputState::Cancelled => output.progress,
            OutputState::Done | OutputState::Deleted => 100,
        };
        (output.id, percent)
    };
    Ok(outputs.iter().map(one).collect())
}

/// The state of a task by those of its outputs (contract §5.2).
fn task_status(task: &TranscodeTask, outputs: &[Output]) -> &'static str {
    let made = |output: &&Output| matches!(output.state, OutputState::Done | OutputState::Deleted);
    let made = outputs.iter().filter(made).count();
    let open = outputs.iter().filter(|output| output.state == OutputState::Running).count();
    match task.state {
        TaskState::Planning | TaskState::Running if open < outputs.len() => "Partial",
        TaskState::Planning | TaskState::Running => "Processing",
        TaskState::Done if made == 0 => "CompleteAllFail",
        TaskState::Done if made == outputs.len() => "CompleteAllSucc",
        TaskState::Done => "CompletePartialSucc",
    }
}

fn head(task: &TranscodeTask, outputs: &[Output]) -> TaskHead {
    TaskHead {
        complete_time: task.completed.map(WallTime::to_iso8601),
        creation_time: task.created.to_iso8601(),
        task_status: task_status(task, outputs),
        transcode_task_id: task.id,
        transcode_template_group_id: task.template_group.clone(),
        trigger: match task.cause {
            TaskCause::Auto => "Auto",
            TaskCause::Manual => "Manual",
        },
        video_id: task.asset,
    }
}

fn job_status(state: OutputState) -> &'static str {
    match state {
        OutputState::Running => "Transcoding",
        OutputState::Done | OutputState::Deleted => "TranscodeSuccess",
        OutputState::Failed | OutputState::Cancelled => "TranscodeFail",
    }
}

/// Why there is no output: a code and a sentence.
fn error_of(output: &Output) -> Option<(&'static str, String)> {
    match output.state {
        OutputState::Failed => Some((BAD_CONTENT, output.error.clone().unwrap_or_default())),
        OutputState::Cancelled => Some((CANCELLED, CANCELLED_MESSAGE.to_owned())),
        OutputState::Running | OutputState::Done | OutputState::Deleted => None,
    }
}

fn job_told(context: &Context, task: &TranscodeTask, output: &Output, progress: &BTreeMap<JobId, u32>) -> JobTold {
    let (error_code, error_message) = error_of(output).unzip();
    JobTold {
        complete_time: output.completed.map(WallTime::to_iso8601),
        creation_time: output.created.to_iso8601(),
        definition: output.template.definition.clone(),
        error_code,
        error_message,
        input_file_url: asset_url(context, output.asset, "source.mp4"),
        output_file: output_file_told(context, output),
        priority: task.priority.to_string(),
        transcode_job_id: output.id,
        transcode_job_status: job_status(output.state),
        transcode_progress: progress.get(&output.id).copied().unwrap_or_default(),
        transcode_template_id: output.template.id.clone(),
    }
}

/// The file of an output that can be played.
fn output_file_told(context: &Context, output: &Output) -> Option<OutputFile> {
    let facts = output.facts.as_ref().filter(|_| output.state == OutputState::Done)?;
    let format = output.template.format.as_str();
    let definition = definition(facts.width, facts.height, &output.template.definition);
    // A list of structs of text always has a JSON text.
    let text = |list: serde_json::Result<String>| list.unwrap_or_default();
    Some(OutputFile {
        audio_stream_list: text(serde_json::to_string(&audio_streams(&facts.tracks))),
        bitrate: facts.bitrate_kbps.to_string(),
        duration: decimal(MediaTime::reel(facts.duration_ticks).seconds()),
        encryption: output
            .template
            .encryption
            .as_ref()
            .map(|encryption| serde_json::json!({ "EncryptType": encryption.scheme.as_str() }).to_string()),
        filesize: facts.size_bytes,
        format,
        fps: decimal(facts.fps),
        height: facts.height.to_string(),
        output_file_url: output_url(context, output, definition),
        video_stream_list: text(serde_json::to_string(&video_streams(&facts.tracks))),
        watermark_id_list: output.template.watermarks().to_vec(),
        width: facts.width.to_string(),
    })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Tasks {
    transcode_task_list: Vec<TaskHead>,
}

async fn list_transcode_task(context: &Context, input: ListTranscodeTask) -> Answer<Tasks> {
    let asset = find(context, Some(&input.video_id), None).await?;
    // The wire has whole seconds: a task made within the last one is meant too.
    let window = (input.start_time, input.end_time.map(end_of_second));
    let page: Page = page(input.page_no, input.page_size);
    let mut told = Vec::new();
    for task in context.catalog.transcode_tasks_between(asset.id, window, page).await? {
        let outputs = context.catalog.outputs_of_task(task.id).await?;
        told.push(head(&task, &outputs));
    }
    Ok(Tasks { transcode_task_list: told })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Summaries {
    non_exist_video_ids: Vec<String>,
    transcode_summary_list: Vec<Summary>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Summary {
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_time: Option<String>,
    creation_time: String,
    transcode_job_info_summary_list: Vec<JobSummary>,
    transcode_status: &'static str,
    transcode_template_group_id: String,
    video_id: AssetId,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct JobSummary {
    #[serde(skip_serializing_if = "Option::is_none")]
    bitrate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_time: Option<String>,
    creation_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filesize: Option<u64>,
    format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fps: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<String>,
    transcode_job_status: &'static str,
    transcode_progress: u32,
    transcode_template_id: String,
    watermark_id_list: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<String>,
}

async fn get_transcode_summary(context: &Context, input: GetTranscodeSummary) -> Answer<Summaries> {
    if input.video_ids.len() > IDS_MAX {
        return Err(Code::VideoIdsExceededMax.because("There are more than 10 ids."));
    }
    let (mut unknown, mut told) = (Vec::new(), Vec::new());
    for id in input.video_ids {
        let asset = match id.parse::<AssetId>() {
            Ok(id) => context.catalog.asset(id).await?,
            Err(_) => None,
        };
        let Some(asset) = asset else {
            unknown.push(id);
            continue;
        };
        if let Some(task) = context.catalog.transcode_tasks(asset.id).await?.into_iter().next() {
            told.push(summary(context, &task).await?);
        }
    }
    Ok(Summaries { non_exist_video_ids: unknown, transcode_summary_list: told })
}

async fn summary(context: &Context, task: &TranscodeTask) -> Answer<Summary> {
    let outputs = context.catalog.outputs_of_task(task.id).await?;
    let progress = progress_of(context, &outputs).await?;
    let one = |output: &Output| {
        let job = job_told(context, task, output, &progress);
        let file = job.output_file;
        JobSummary {
            bitrate: file.as_ref().map(|file| file.bitrate.clone()),
            complete_time: job.complete_time,
            creation_time: job.creation_time,
            duration: file.as_ref().map(|file| file.duration.clone()),
            error_code: job.error_code,
            error_message: job.error_message,
            filesize: file.as_ref().map(|file| file.filesize),
            format: output.template.format.as_str(),
            fps: file.as_ref().map(|file| file.fps.clone()),
            height: file.as_ref().map(|file| file.height.clone()),
            transcode_job_status: job.transcode_job_status,
            transcode_progress: job.transcode_progress,
            transcode_template_id: job.transcode_template_id,
            watermark_id_list: output.template.watermarks().to_vec(),
            width: file.map(|file| file.width),
        }
    };
    let head = head(task, &outputs);
    Ok(Summary {
        complete_time: head.complete_time,
        creation_time: head.creation_time,
        transcode_job_info_summary_list: outputs.iter().map(one).collect(),
        transcode_status: head.task_status,
        transcode_template_group_id: head.transcode_template_group_id,
        video_id: head.video_id,
    })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Detail {
    job_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcode_job_detail: Option<JobDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot_job_detail: Option<SnapshotDetail>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct JobDetail {
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_time: Option<String>,
    create_time: String,
    definition: String,
    job_id: JobId,
    status: &'static str,
    template_id: String,
    video_id: AssetId,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct SnapshotDetail {
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_time: Option<String>,
    create_time: String,
    job_id: JobId,
    status: &'static str,
    trigger: &'static str,
    video_id: AssetId,
}

/// Whether a picture job takes snapshots.
fn takes_snapshots(job: &PictureJob) -> bool {
    match job.order {
        PictureOrder::Snapshots(_) => true,
        PictureOrder::Animation(_) => false,
    }
}

fn snapshot_status(state: PictureState) -> &'static str {
    match state {
        PictureState::Running => "Processing",
        PictureState::Done => "Success",
        PictureState::Failed => "Fail",
    }
}

/// The words of single jobs, which are more than those of a task's.
fn detail_status(task: &TranscodeTask, output: &Output) -> &'static str {
    match (output.state, task.state) {
        (OutputState::Running, TaskState::Planning) => "Submitted",
        (OutputState::Cancelled, _) => "TranscodeCancelled",
        (state, _) => job_status(state),
    }
}

async fn get_job_detail(context: &Context, input: GetJobDetail) -> Answer<Detail> {
    let id = input.job.parse::<JobId>().map_err(|_| Code::NoSuchResource)?;
    let (transcode_job_detail, snapshot_job_detail) = match input.kind {
        JobType::Transcode => (Some(transcode_detail(context, id).await?), None),
        JobType::Snapshot => (None, Some(snapshot_detail(context, id).await?)),
        // There are none of these.
        JobType::Ai | JobType::Workflow => return Err(Code::NoSuchResource.into()),
    };
    Ok(Detail { job_type: input.kind.as_str(), transcode_job_detail, snapshot_job_detail })
}

async fn transcode_detail(context: &Context, id: JobId) -> Answer<JobDetail> {
    let output = context.catalog.output(id).await?.ok_or(Code::NoSuchResource)?;
    let (task, _) = task_of(context, output.task).await?.ok_or(Code::NoSuchResource)?;
    Ok(JobDetail {
        complete_time: output.completed.map(WallTime::to_iso8601),
        create_time: output.created.to_iso8601(),
        definition: output.template.definition.clone(),
        job_id: output.id,
        status: detail_status(&task, &output),
        template_id: output.template.id,
        video_id: output.asset,
    })
}

async fn snapshot_detail(context: &Context, id: JobId) -> Answer<SnapshotDetail> {
    let job = context.catalog.picture_job(id).await?.filter(takes_snapshots).ok_or(Code::NoSuchResource)?;
    context.catalog.asset(job.asset).await?.ok_or(Code::NoSuchResource)?;
    Ok(SnapshotDetail {
        complete_time: job.completed.map(WallTime::to_iso8601),
        create_time: job.created.to_iso8601(),
        job_id: job.id,
        status: snapshot_status(job.state),
        trigger: match job.cause {
            PictureCause::Birth | PictureCause::Task => "Auto",
            PictureCause::Request => "Manual",
        },
        video_id: job.asset,
    })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Infos {
    job_info_list: Vec<Info>,
    job_type: &'static str,
    media_id: AssetId,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Info {
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_time: Option<String>,
    create_time: String,
    job_id: JobId,
    status: &'static str,
}

async fn list_job_info(context: &Context, input: ListJobInfo) -> Answer<Infos> {
    let asset = find(context, Some(&input.video_id), None).await?;
    let mut told = Vec::new();
    match input.kind {
        JobType::Transcode => {
            for task in context.catalog.transcode_tasks(asset.id).await? {
                let outputs = context.catalog.outputs_of_task(task.id).await?;
                told.extend(outputs.into_iter().map(|output| Info {
                    complete_time: output.completed.map(WallTime::to_iso8601),
                    create_time: output.created.to_iso8601(),
                    job_id: output.id,
                    status: detail_status(&task, &output),
                }));
            }
        }
        JobType::Snapshot => {
            let jobs = context.catalog.picture_jobs(asset.id).await?;
            told.extend(jobs.into_iter().rev().filter(takes_snapshots).map(|job| Info {
                complete_time: job.completed.map(WallTime::to_iso8601),
                create_time: job.created.to_iso8601(),
                job_id: job.id,
                status: snapshot_status(job.state),
            }));
        }
        // There are none of these.
        JobType::Ai | JobType::Workflow => {}
    }
    Ok(Infos { job_info_list: told, job_type: input.kind.as_str(), media_id: asset.id })
}
