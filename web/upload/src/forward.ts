// Links that programs print lead to the server's first page. What is behind "#" is looked at here only, and goes to the page
// that can open it.
const fragment = location.hash.slice(1);
if (fragment.length > 50 && (/^[A-Za-z0-9_-]+={0,2}$/.test(fragment) || fragment.startsWith("/?desc="))) location.replace("/file/#" + fragment);
export {};
