// @vitest-environment jsdom
import { afterEach, expect, it } from 'vitest';

import { ApiError } from './api';
import { language } from './i18n.svelte';
import { sentence, told } from './told';

const exact = new ApiError('InvalidParameter', 'PageSize is not valid: it is at most 100.', 400);
const usual = new ApiError('InvalidVideo.NotFound', 'The video does not exist.', 404);
const strange = new ApiError('NewerThanThis', 'Something else.', 400);
const own = new ApiError('MissingFileUrl', '请选择图片。', 0);
const lost = new ApiError('Unreachable', 'TypeError: Failed to fetch', 0);

afterEach(() => (language.chosen = 'en'));

it('says the server’s own sentence in English', () => {
  language.chosen = 'en';
  expect(told(exact)).toEqual({ text: exact.message });
  expect(told(new ApiError('InvalidParameter', '', 400))).toEqual({ text: 'A parameter is not valid.' });
  expect(told(new ApiError('HTTP 502', '', 502))).toEqual({ text: 'HTTP 502' });
  expect(sentence(lost)).toBe('The server does not answer.');
});

it('says a sentence in Chinese, and the server’s where it says more', () => {
  language.chosen = 'zh';
  expect(told(exact)).toEqual({ text: '参数无效，请修改后重试。', detail: exact.message });
  expect(sentence(exact)).toBe(`参数无效，请修改后重试。（${exact.message}）`);
  expect(told(usual)).toEqual({ text: '视频不存在，可能已被删除。' });
  expect(sentence(lost)).toBe('服务器没有响应。');
});

it('leaves what it has no message for as it is', () => {
  language.chosen = 'zh';
  expect([strange, own].map(told)).toEqual([{ text: strange.message }, { text: own.message }]);
});
