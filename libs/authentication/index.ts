export { authentication } from './authentication.js';
export { isPublic, Public } from './public-route.js';
