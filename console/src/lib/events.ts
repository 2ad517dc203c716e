/** The events that a callback can ask for. */
export const EVENT_TYPES = [
  'FileUploadComplete',
  'UploadByURLComplete',
  'AddLiveRecordVideoComplete',
  'LiveRecordVideoComposeStart',
  'VideoAnalysisComplete',
  'StreamTranscodeComplete',
  'TranscodeComplete',
  'SnapshotComplete',
  'DynamicImageComplete',
  'ImageUploadComplete',
  'AttachedMediaUploadComplete',
  'MediaBaseChangeComplete',
  'DeleteMediaComplete',
];
