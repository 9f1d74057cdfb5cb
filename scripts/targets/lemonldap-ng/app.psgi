# The portal as its index.psgi starts it, with the pictures of its pages, which a web server in front would give.
use Plack::Builder;
use Lemonldap::NG::Portal::Main;

builder {
    enable 'Static', path => sub { s!^/static/!! }, root => $ENV{LLNG_STATIC};
    Lemonldap::NG::Portal::Main->run( {} );
};
