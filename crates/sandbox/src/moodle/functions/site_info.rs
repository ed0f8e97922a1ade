//! `core_webservice_get_site_info`.

use serde_json::{Value, json};

use super::{Call, Function};
use crate::moodle::wire::Exception;
use crate::moodle::wire::schema::{Shape, optional};
use crate::moodle::{Release, SITE_SECRET};

pub(crate) const FUNCTIONS: &[Function] = &[Function {
    name: "core_webservice_get_site_info",
    params: &[optional("serviceshortnames", Shape::List(&Shape::Word))],
    run: site_info,
}];

fn site_info(call: &mut Call<'_>, _args: Value) -> Result<Value, Exception> {
    let site = &call.moodle.site;
    let user_id = call.caller.token.user_id;
    let user = call.moodle.users.get(user_id);
    let user = user.ok_or_else(|| Exception::missing("invaliduser", "service account"))?;
    let (version, release) = site.release.names();
    // A service may list functions that do not exist; Moodle leaves them out.
    let existing = super::names().filter(|name| call.caller.token.functions.contains(*name));
    let functions: Vec<Value> =
        existing.map(|name| json!({"name": name, "version": format!("{version}.00")})).collect();
    let mut info = json!({
        "sitename": site.name, "username": user.username, "firstname": user.firstname,
        "lastname": user.lastname, "fullname": format!("{} {}", user.firstname, user.lastname),
        "lang": "en", "userid": user_id, "siteurl": site.wwwroot,
        "userpictureurl": format!("{}/theme/image.php/boost/core/1/u/f1", site.wwwroot),
        "functions": functions, "downloadfiles": 0, "uploadfiles": 0,
        "release": release, "version": version, "mobilecssurl": "",
        "advancedfeatures": [
            {"name": "enablecompletion", "value": u8::from(site.tracks_completion)}, {"name": "messaging", "value": 1},
        ],
        "usercanmanageownfiles": false, "userquota": 0, "usermaxuploadfilesize": -1,
        "userhomepage": 1, "userprivateaccesskey": "", "siteid": 1,
        "sitecalendartype": "gregorian", "usercalendartype": "gregorian",
        "userissiteadmin": call.caller.site_admin, "theme": "boost", "limitconcurrentlogins": 0,
    });
    if site.release >= Release::V4_5 {
        info["policyagreed"] = json!(u8::from(user.policyagreed));
        info["userhomepageurl"] = json!(format!("{}/my/", site.wwwroot));
    }
    if site.release >= Release::V5_2 {
        info["usercanviewconfig"] = json!(call.caller.site_admin);
        info["usercanchangeconfig"] = json!(call.caller.site_admin);
        info["sitesecret"] = json!(SITE_SECRET);
    }
    Ok(info)
}
