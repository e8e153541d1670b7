// What this browser tab knows of its user: the token (gone with the tab) and the name changes are made under.
const TOKEN = "atp_ray.token";
const AUTHOR = "atp_ray.author";
// What the service takes as an author.
export const AUTHOR_PATTERN = "[A-Za-z0-9_ .@+\\-]{1,100}";

export const token = () => sessionStorage.getItem(TOKEN);
export const setToken = (value) => sessionStorage.setItem(TOKEN, value);

export const author = () => sessionStorage.getItem(AUTHOR) ?? "dashboard";

export function setAuthor(value) {
  if (new RegExp(`^${AUTHOR_PATTERN}$`).test(value)) sessionStorage.setItem(AUTHOR, value);
}
