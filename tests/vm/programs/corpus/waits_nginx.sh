# shellcheck shell=sh
# Become nginx in the foreground: SIGTERM ends it and its workers at once.
cd /tmp && mkdir -p temp
cat > conf <<END
worker_processes 2; user nobody nogroup; daemon off; pid /tmp/pid; error_log /tmp/errors;
events { }
http {
	access_log off;
	client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
	server { listen 127.0.0.1:8080; }
}
END
(until curl -s -o /dev/null http://127.0.0.1:8080/; do :; done; echo ready) &
exec nginx -p /tmp -c conf -e /tmp/errors
