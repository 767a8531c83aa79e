//! Leaks, one each: what is wrong, where, and who then reaches whom.

/// One mistake.
pub(crate) struct Seed {
    /// What it is.
    pub(crate) what: &'static str,
    /// Router, text that stands there, text in its stead. An empty text stands at the end.
    pub(crate) edits: &'static [(&'static str, &'static str, &'static str)],
    /// Router and Vrf that packets come from.
    pub(crate) from: (&'static str, &'static str),
    /// Router and Vrf that they come to.
    pub(crate) to: (&'static str, &'static str),
}

macro_rules! seeds {
    ($($what:literal: $(($router:literal, $old:literal, $new:literal)),+ => $a:literal $b:literal to $c:literal $d:literal;)*) => {
        /// All of them.
        pub(crate) const SEEDS: &[Seed] = &[
            $(Seed { what: $what, edits: &[$(($router, $old, $new)),+], from: ($a, $b), to: ($c, $d) },)*
        ];
    };
}

seeds! {
    // Route targets.
    "red imports blue's target": ("pe1", "\"65000:901\"] # red import", "\"65000:901\", \"65000:2\"]") => "pe1" "red" to "pe1" "blue";
    "blue imports red's target": ("pe1", "[\"65000:2\"] # blue import", "[\"65000:2\", \"65000:1\"]") => "pe1" "blue" to "pe1" "red";
    "red exports to blue's target": ("pe1", "[\"65000:1\", { target = \"65000:801\"", "[\"65000:1\", \"65000:2\", { target = \"65000:801\"") => "pe1" "blue" to "pe1" "red";
    "blue exports to red's target": ("pe1", "[\"65000:2\"] # blue export", "[\"65000:2\", \"65000:1\"]") => "pe1" "red" to "pe1" "blue";
    "shared exports all to red": ("pe1", "[\"65000:9\", { target", "[\"65000:9\", \"65000:1\", { target") => "pe1" "red" to "pe1" "shared";
    "shared exports to blue": ("pe1", "[\"65000:9\", { target", "[\"65000:9\", \"65000:2\", { target") => "pe1" "blue" to "pe1" "shared";
    "shared's extranet target has no prefix list": ("pe1", "{ target = \"65000:901\", prefixes = \"records\" }", "\"65000:901\"") => "pe1" "red" to "pe1" "shared";
    "red's extranet target has no prefix list": ("pe1", "{ target = \"65000:801\", prefixes = \"to-shared\" }", "\"65000:801\"") => "pe1" "shared" to "pe1" "red";
    "shared imports blue's target": ("pe1", "[\"65000:9\", \"65000:801\"]", "[\"65000:9\", \"65000:801\", \"65000:2\"]") => "pe1" "shared" to "pe1" "blue";
    "blue imports the extranet's target": ("pe1", "[\"65000:2\"] # blue import", "[\"65000:2\", \"65000:901\"]") => "pe1" "blue" to "pe1" "shared";
    "the hub passes its spokes' routes on": ("pe1", "[{ target = \"65000:31\", prefixes = \"of-hub\" }]", "[\"65000:31\"]") => "pe1" "spoke-a" to "pe2" "spoke-b";
    "a spoke exports as a hub": ("pe1", "[\"65000:32\"] # spoke-a export", "[\"65000:32\", \"65000:31\"]") => "pe1" "spoke-c" to "pe1" "spoke-a";
    "a spoke imports as a hub": ("pe1", "[\"65000:31\"] # spoke-c import", "[\"65000:31\", \"65000:32\"]") => "pe1" "spoke-c" to "pe1" "spoke-a";
    "a spoke imports red's target": ("pe1", "[\"65000:31\"] # spoke-a import", "[\"65000:31\", \"65000:1\"]") => "pe1" "spoke-a" to "pe1" "red";
    "red imports the spokes' target": ("pe1", "\"65000:901\"] # red import", "\"65000:901\", \"65000:32\"]") => "pe1" "red" to "pe1" "spoke-a";
    "the hub imports red's target": ("pe1", "[\"65000:32\"] # hub import", "[\"65000:32\", \"65000:1\"]") => "pe1" "hub" to "pe1" "red";
    "the hub exports to red": ("pe1", "prefixes = \"of-hub\" }] # hub export", "prefixes = \"of-hub\" }, \"65000:1\"]") => "pe1" "red" to "pe1" "hub";
    "blue imports the hub's target": ("pe1", "[\"65000:2\"] # blue import", "[\"65000:2\", \"65000:31\"]") => "pe1" "blue" to "pe1" "hub";
    // Prefix lists.
    "the list of records is wider than the extranet": ("pe1", "\"deny 10.9.1.0/24 le 32\", ", "") => "pe1" "red" to "pe1" "shared";
    "the deny rule of the list of records is for the longer ones alone": ("pe1", "deny 10.9.1.0/24 le 32", "deny 10.9.1.0/24 ge 25") => "pe1" "red" to "pe1" "shared";
    "the list of records has one IPv6 subnet more": ("pe1", "2001:db8:9::/64 le 128", "2001:db8:9::/48 le 128") => "pe1" "red" to "pe1" "shared";
    "the list of records is all of IPv4": ("pe1", "\"deny 10.9.1.0/24 le 32\", \"10.9.0.0/23 le 32\"", "\"0.0.0.0/0 le 32\"") => "pe1" "red" to "pe1" "shared";
    "the list to shared has another site": ("pe1", "[\"10.1.0.0/24 le 32\"]", "[\"10.1.0.0/24 le 32\", \"10.11.0.0/24\"]") => "pe1" "shared" to "pe1" "red";
    "the list to shared has IPv6": ("pe1", "[\"10.1.0.0/24 le 32\"]", "[\"10.1.0.0/24 le 32\", \"2001:db8:1::/64\"]") => "pe1" "shared" to "pe1" "red";
    "the list of the hub has a spoke": ("pe1", "[\"10.30.0.0/24 le 32\"]", "[\"10.30.0.0/24 le 32\", \"10.32.0.0/24\"]") => "pe1" "spoke-a" to "pe2" "spoke-b";
    // Labels that end in the wrong Vrf.
    "PE 2's label of red ends in blue": ("pe2", "vrf = \"red\" #20001", "vrf = \"blue\"") => "pe1" "red" to "pe2" "blue";
    "PE 2's label of blue ends in red": ("pe2", "vrf = \"blue\" #20002", "vrf = \"red\"") => "pe1" "blue" to "pe2" "red";
    "PE 1's label of red ends in blue": ("pe1", "vrf = \"red\" #20001", "vrf = \"blue\"") => "pe2" "red" to "pe1" "blue";
    "PE 1's label of blue ends in red": ("pe1", "vrf = \"blue\" #20002", "vrf = \"red\"") => "pe2" "blue" to "pe1" "red";
    "a label for one customer edge names blue's": ("pe2", "vrf = \"red\" #20001", "pop = true\nvia = \"10.2.0.9\"\nvia-vrf = \"blue\"") => "pe1" "red" to "pe2" "blue";
    "a label for one customer edge names red's": ("pe1", "vrf = \"blue\" #20002", "pop = true\nvia = \"10.1.0.9\"\nvia-vrf = \"red\"") => "pe2" "blue" to "pe1" "red";
    "a label for one IPv6 customer edge names red's": ("pe1", "vrf = \"blue\" #20002", "pop = true\nvia = \"2001:db8:1::9\"\nvia-vrf = \"red\"") => "pe2" "blue" to "pe1" "red";
    // Routes that push the wrong label.
    "PE 1 pushes blue's label for red": ("pe1", "[20001] #red 10.2.0.0/24", "[20002]") => "pe1" "red" to "pe2" "blue";
    "PE 1 pushes red's label for blue": ("pe1", "[20002] #blue 10.2.0.0/24", "[20001]") => "pe1" "blue" to "pe2" "red";
    "PE 2 pushes blue's label for red": ("pe2", "[20001] #red 10.1.0.0/24", "[20002]") => "pe2" "red" to "pe1" "blue";
    "PE 2 pushes red's label for blue": ("pe2", "[20002] #blue 10.1.0.0/24", "[20001]") => "pe2" "blue" to "pe1" "red";
    "PE 1 pushes blue's label for red's IPv6": ("pe1", "[20001] #red 2001:db8:2::/64", "[20002]") => "pe1" "red" to "pe2" "blue";
    "PE 2 pushes red's label for blue's IPv6": ("pe2", "[20002] #blue 2001:db8:1::/64", "[20001]") => "pe2" "blue" to "pe1" "red";
    "red has a route to a spoke": ("pe1", "", "[[route]]\nvrf = \"red\"\nprefix = \"10.32.0.0/24\"\nvia = \"192.0.2.2\"\npush = [20032]\n") => "pe1" "red" to "pe2" "spoke-b";
    "a spoke has a route to a spoke": ("pe1", "", "[[route]]\nvrf = \"spoke-a\"\nprefix = \"10.32.0.0/24\"\nvia = \"192.0.2.2\"\npush = [20032]\n") => "pe1" "spoke-a" to "pe2" "spoke-b";
    "a far spoke has a route to a spoke": ("pe2", "", "[[route]]\nvrf = \"spoke-b\"\nprefix = \"10.31.0.0/24\"\nvia = \"192.0.2.1\"\npush = [20033]\n") => "pe2" "spoke-b" to "pe1" "spoke-a";
    "a route pushes transport and wrong label by hand": ("pe1", "via = \"192.0.2.2\"\npush = [20001] #red 10.2.0.0/24", "via = \"10.255.1.2\"\npush = [16002, 20002]") => "pe1" "red" to "pe2" "blue";
    "one of two equal ways pushes the wrong label": ("pe1", "via = \"192.0.2.2\"\npush = [20001] #red 10.2.0.0/24", "via = [{ address = \"192.0.2.2\", push = [20001] }, { address = \"192.0.2.2\", push = [20002] }]") => "pe1" "red" to "pe2" "blue";
    "PE 2's red has a default route into shared": ("pe2", "", "[[route]]\nvrf = \"red\"\nprefix = \"0.0.0.0/0\"\nvia = \"192.0.2.1\"\npush = [20009]\n") => "pe2" "red" to "pe1" "shared";
    "PE 2's red has a route past the extranet": ("pe2", "", "[[route]]\nvrf = \"red\"\nprefix = \"10.9.1.0/24\"\nvia = \"192.0.2.1\"\npush = [20009]\n") => "pe2" "red" to "pe1" "shared";
    // Routes resolved in the wrong Vrf.
    "a route of red is resolved in blue": ("pe1", "", "[[route]]\nvrf = \"red\"\nprefix = \"10.60.0.0/24\"\nvia = \"10.1.0.9\"\nvia-vrf = \"blue\"\n") => "pe1" "red" to "pe1" "blue";
    "blue's default route is resolved in red": ("pe1", "", "[[route]]\nvrf = \"blue\"\nprefix = \"0.0.0.0/0\"\nvia = \"10.1.0.9\"\nvia-vrf = \"red\"\n") => "pe1" "blue" to "pe1" "red";
    "an IPv6 route of blue is resolved in red": ("pe1", "", "[[route]]\nvrf = \"blue\"\nprefix = \"2001:db8:60::/48\"\nvia = \"2001:db8:1::9\"\nvia-vrf = \"red\"\n") => "pe1" "blue" to "pe1" "red";
    "red has a route into the network's own Vrf": ("pe1", "", "[[route]]\nvrf = \"red\"\nprefix = \"10.200.2.0/24\"\nvia = \"10.200.1.9\"\nvia-vrf = \"default\"\n") => "pe1" "red" to "pe1" "default";
    "the network's own Vrf has a route into red": ("pe1", "", "[[route]]\nprefix = \"10.11.0.0/24\"\nvia = \"10.1.0.9\"\nvia-vrf = \"red\"\n") => "pe1" "default" to "pe1" "red";
    // Interfaces.
    "the line of red's customer is in blue": ("pe1", "vrf = \"red\" #red-ce", "vrf = \"blue\""), ("pe1", "vlan = 20\nvrf = \"blue\"", "vlan = 20\nvrf = \"red\"") => "ce1" "default" to "pe1" "blue";
    "the line of red's customer is in a spoke": ("pe1", "vrf = \"red\" #red-ce", "vrf = \"spoke-a\"") => "ce1" "default" to "pe1" "hub";
    "red's customer has blue's tag": ("ce1", "vlan = 10 #wan", "vlan = 20") => "ce1" "default" to "pe1" "blue";
    "red's customer has a back door into blue": ("ce1", "", "[[port]]\nname = \"back\"\nkind = \"loopback\"\n[[interface]]\nname = \"back\"\nlink = \"back\"\naddresses = [\"10.2.9.2/30\"]\n[[route]]\nprefix = \"10.2.0.0/24\"\nvia = \"10.2.9.1\"\n"), ("pe2", "", "[[port]]\nname = \"door\"\nkind = \"loopback\"\n[[interface]]\nname = \"door\"\nvrf = \"blue\"\nlink = \"back\"\naddresses = [\"10.2.9.1/30\"]\n") => "ce1" "default" to "pe2" "blue";
    // Labels accepted where they should not be.
    "red's edge accepts labels": ("pe1", "\"2001:db8:1::1/64\"] #red1", "\"2001:db8:1::1/64\"]\nmpls = true") => "pe1" "red" to "pe1" "blue";
    "blue's far edge accepts labels": ("pe2", "\"2001:db8:2::1/64\"] #blue2", "\"2001:db8:2::1/64\"]\nmpls = true") => "pe2" "blue" to "pe2" "red";
    "a spoke's edge accepts labels": ("pe1", "[\"10.31.0.1/24\"] #spoke-a1", "[\"10.31.0.1/24\"]\nmpls = true") => "pe1" "spoke-a" to "pe1" "red";
    "the management network accepts labels": ("pe1", "[\"10.200.1.1/24\"] #mgmt", "[\"10.200.1.1/24\"]\nmpls = true") => "pe1" "default" to "pe1" "shared";
    "a spare port of the P accepts labels": ("p1", "", "[[port]]\nname = \"spare\"\nkind = \"loopback\"\n[[interface]]\nname = \"spare\"\naddresses = [\"10.255.9.1/30\"]\nmpls = true\n") => "p1" "default" to "pe2" "red";
    "red's customer may push labels, and pushes blue's": ("pe1", "#red-ce mpls", "mpls = true"), ("ce1", "#wan mpls", "mpls = true"), ("ce1", "", "[[route]]\nprefix = \"10.1.0.0/24\"\nvia = \"10.1.9.1\"\npush = [20002]\n") => "ce1" "default" to "pe1" "blue";
    // The intent, narrower than what is there.
    "the extranet is narrower than the routes": ("pe1", "\"10.9.0.0/24\", \"2001:db8:9::/64\"]", "\"10.9.0.0/25\", \"2001:db8:9::/64\"]") => "pe1" "red" to "pe1" "shared";
    "the extranet is for IPv4 alone": ("pe1", "\"10.9.0.0/24\", \"2001:db8:9::/64\"]", "\"10.9.0.0/24\"]") => "pe1" "red" to "pe1" "shared";
    "the way back is for half of it": ("pe1", "[\"10.1.0.0/24\"] # to red", "[\"10.1.0.0/25\"]") => "pe1" "shared" to "pe1" "red";
    "red's customer is no member": ("pe1", "[\"red\", \"ce1:default\"]", "[\"red\"]") => "pe2" "red" to "ce1" "default";
    "a spoke is a member of red": ("pe1", "[\"red\", \"ce1:default\"]", "[\"red\", \"ce1:default\", \"spoke-a\"]"), ("pe1", "\"hub\", \"spoke-a\", \"spoke-b\"", "\"hub\", \"spoke-b\"") => "pe1" "spoke-a" to "pe1" "hub";
}
