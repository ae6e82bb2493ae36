export interface ApiAnswer<Body = AnswerBody> {
  status: number;
  headers: Headers;
  /** Parsed JSON; undefined for an empty body. */
  body: Body;
}
/** Whatever an answer holds; tests look into it. */
export type AnswerBody = ReturnType<typeof JSON.parse>;

/** Calls of one caller. */
export interface ApiClient {
  get(path: string, headers?: Record<string, string>): Promise<ApiAnswer<AnswerBody>>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer<AnswerBody>>;
  put(path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer<AnswerBody>>;
  patch(path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer<AnswerBody>>;
  delete(path: string, headers?: Record<string, string>): Promise<ApiAnswer<AnswerBody>>;
}

/** What a command asks for unless the test says otherwise: an answer once its effect is live, however slow the machine. */
export const PATIENT = { prefer: 'wait=30' };

/** Told of every answer, and of the body it answers. */
export type Observe = (status: number, text: string, body: unknown, sent: unknown) => void;

export function apiClient(url: string, token?: string, observe?: Observe): ApiClient {
  const call = async (method: string, path: string, body: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(method !== 'GET' && PATIENT),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed = (text === '' ? undefined : JSON.parse(text)) as AnswerBody;
    observe?.(response.status, text, parsed, body);
    return { status: response.status, headers: response.headers, body: parsed };
  };
  return {
    get: (path, headers) => call('GET', path, undefined, headers),
    post: (path, body = {}, headers) => call('POST', path, body, headers),
    put: (path, body = {}, headers) => call('PUT', path, body, headers),
    patch: (path, body = {}, headers) => call('PATCH', path, body, headers),
    delete: (path, headers) => call('DELETE', path, undefined, headers),
  };
}
