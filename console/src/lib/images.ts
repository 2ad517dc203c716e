import { call } from './api';
import { ask, permit } from './store';

/** Pictures that watermarks can be made of. */
export const IMAGE_TYPES = 'image/png,image/jpeg,image/gif';

/** A picture of the library. */
export interface Sent {
  id: string;
  url: string;
}

/** Sends a picture to the library. */
export async function sendImage(file: File): Promise<Sent> {
  const begun = await call('CreateUploadImage', { ImageType: 'watermark', OriginalFileName: file.name });
  await ask(permit(begun), { method: 'PUT', body: file });
  return { id: begun.ImageId, url: begun.ImageURL };
}

/** Takes a picture out of the library. */
export async function dropImage(id: string): Promise<void> {
  await call('DeleteImage', { DeleteImageType: 'ImageId', ImageIds: [id] });
}

/** The id of the picture that an address is of, if it is one of a library. */
export function ownImage(url: string | undefined): string | undefined {
  return ownFile(url)?.split('/')[2];
}

/** Where the page finds a file of this server's library, under whatever name it was reached before; nothing of other addresses. */
export function ownFile(url: string | undefined): string | undefined {
  return /^https?:\/\/[^/]+(\/v\/[0-9a-f]{32}\/file\.\w+(\?.*)?)$/.exec(url ?? '')?.[1];
}
