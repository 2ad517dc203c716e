import { t } from './i18n.svelte';

/** How large a picture is of which a side may follow from the other one; empty where both follow from the video. */
export function sides(width: number | undefined, height: number | undefined): string {
  if (width && height) return t('sides.both', { w: width, h: height });
  if (width) return t('sides.wide', { w: width });
  return height ? t('sides.high', { h: height }) : '';
}
