import { sha1 } from 'js-sha1';

/**
 * The signature of a text by HMAC-SHA1, in base64, which the store's dialect signs with. What browsers have of their own
 * (`crypto.subtle`) is not there on pages that came without TLS, as the console often does.
 */
export const hmacSha1 = (secret: string, text: string): string => btoa(String.fromCharCode(...sha1.hmac.array(secret, text)));
